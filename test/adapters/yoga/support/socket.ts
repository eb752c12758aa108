import type { GetEnvelopedFn } from '@envelop/core';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket, WebSocketServer } from 'ws';
import { type ContextOf, serveGraphqlSockets } from '../../../../examples/playground/server/graphql-sockets.js';
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

/** A graphql-ws server on `ws`, as in Yoga's and Envelop's documentation. */
export async function openSocketServer<Context>(getEnveloped: GetEnvelopedFn<Context>, contextOf?: ContextOf) {
  const { server, url, stop } = await listen((_, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ server });
  serveGraphqlSockets(sockets, getEnveloped, contextOf);
  return {
    sockets,
    stop,
    connect: (credentials: Credentials = {}) => connect(url.replace('http', 'ws'), credentials),
  };
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
