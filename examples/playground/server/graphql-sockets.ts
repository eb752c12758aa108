import type { GetEnvelopedFn } from '@envelop/core';
import type { ExecutionArgs } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import type { WebSocketServer } from 'ws';

interface Connected {
  readonly connectionParams?: Readonly<Record<string, unknown>> | undefined;
  readonly extra: { readonly request: object; readonly socket: object };
}

/** The arguments for `getEnveloped`: by default as in Yoga's documentation. */
export type ContextOf = (connection: Connected) => Record<string, unknown>;

const asYogaDocuments: ContextOf = (connection) => ({
  ...connection,
  req: connection.extra.request,
  socket: connection.extra.socket,
});

/** Serves the operations of Yoga, or of Envelop, over graphql-ws. */
export function serveGraphqlSockets<Context>(
  sockets: WebSocketServer,
  getEnveloped: GetEnvelopedFn<Context>,
  contextOf: ContextOf = asYogaDocuments,
): void {
  const envelopes = new WeakMap<object, Pick<ReturnType<typeof getEnveloped>, 'execute' | 'subscribe'>>();
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
        const enveloped = getEnveloped({ ...contextOf(connection), params });
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
