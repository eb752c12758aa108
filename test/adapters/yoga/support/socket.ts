import type { GetEnvelopedFn } from '@envelop/core';
import type { ExecutionArgs } from 'graphql';
import { type Client, createClient } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocket, WebSocketServer } from 'ws';
import { listen } from '../../../support/http.js';
import type { Result } from './client.js';

interface Credentials {
  readonly connectionParams?: Readonly<Record<string, unknown>>;
  /** The headers of the upgrade request. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface SocketClient {
  /** The first result of an operation. */
  execute(query: string): Promise<Result>;
  /** All results of an operation, in order. */
  results(query: string): AsyncIterableIterator<unknown>;
  /** Ends the connection, and resolves when it is closed. */
  close(): Promise<void>;
  /** The codes with which the server, or both, closed connections. */
  readonly closeCodes: readonly number[];
}

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

/** A graphql-ws server on `ws`, as in Yoga's and Envelop's documentation. */
export async function openSocketServer<Context>(
  getEnveloped: GetEnvelopedFn<Context>,
  contextOf: ContextOf = asYogaDocuments,
) {
  const { server, url, stop } = await listen((_, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ server });
  serveSockets(sockets, getEnveloped, contextOf);
  return {
    sockets,
    stop,
    connect: (credentials: Credentials = {}) => connect(url.replace('http', 'ws'), credentials),
  };
}

/** Runs the operations that clients send to `sockets`. */
export function serveSockets<Context>(
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
        // Each query is distinct: a parser cache returns the same document for the same query.
        const document = { ...enveloped.parse(params.query) };
        envelopes.set(document, enveloped);
        const args = {
          schema: enveloped.schema,
          operationName: params.operationName,
          document,
          variableValues: params.variables,
          contextValue: await enveloped.contextFactory(),
        };
        const errors = enveloped.validate(args.schema, document);
        return errors.length > 0 ? errors : args;
      },
    },
    sockets,
  );
}

function connect(url: string, { connectionParams, headers }: Credentials): SocketClient {
  const closeCodes: number[] = [];
  let closed: Promise<void> = Promise.resolve();
  const client: Client = createClient({
    url,
    ...(connectionParams && { connectionParams }),
    webSocketImpl: class extends WebSocket {
      constructor(address: string, protocols: string) {
        super(address, protocols, headers ? { headers } : {});
        closed = new Promise((resolve) => {
          this.once('close', (code) => {
            closeCodes.push(code);
            resolve();
          });
        });
      }
    },
    lazy: true,
    lazyCloseTimeout: 60_000,
    retryAttempts: 0,
  });
  return {
    closeCodes,
    execute: async (query) => {
      for await (const result of client.iterate({ query })) return result as Result;
      throw new Error('no result');
    },
    results: (query) => client.iterate({ query }),
    close: async () => {
      await client.dispose();
      await closed;
    },
  };
}
