import type { ExecutionArgs } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import type { WebSocketServer } from 'ws';
import type { graphqlApp } from './graphql.js';

type Yoga = ReturnType<typeof graphqlApp>;

/** Serves Yoga's subscriptions over graphql-ws, as Yoga's documentation has it. */
export function serveGraphqlSockets(sockets: WebSocketServer, yoga: Yoga): void {
  const envelopes = new WeakMap<object, ReturnType<Yoga['getEnveloped']>>();
  const envelopeOf = ({ document }: ExecutionArgs) => {
    const enveloped = envelopes.get(document);
    if (!enveloped) throw new Error('the document was not parsed here');
    return enveloped;
  };
  useServer(
    {
      execute: (args) => envelopeOf(args).execute(args),
      subscribe: (args) => envelopeOf(args).subscribe(args),
      onSubscribe: async (connection, _id, params) => {
        const { extra } = connection;
        const enveloped = yoga.getEnveloped({ ...connection, req: extra.request, socket: extra.socket, params });
        // Each its own: a cache may answer the same document for the same text.
        const document = { ...enveloped.parse(params.query) };
        envelopes.set(document, enveloped);
        const errors = enveloped.validate(enveloped.schema, document);
        if (errors.length > 0) return errors;
        const { operationName, variables } = params;
        const contextValue = await enveloped.contextFactory();
        return { schema: enveloped.schema, document, operationName, variableValues: variables, contextValue };
      },
    },
    sockets,
  );
}
