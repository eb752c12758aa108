import type { AddressInfo } from 'node:net';
import type { AnyTRPCRouter } from '@trpc/server';
import { createExpressMiddleware } from '@trpc/server/adapters/express';
import { type FastifyTRPCPluginOptions, fastifyTRPCPlugin } from '@trpc/server/adapters/fastify';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { createHTTPServer } from '@trpc/server/adapters/standalone';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import express from 'express';
import fastify from 'fastify';
import { WebSocketServer } from 'ws';
import type { ContextOptions, ResponseMeta, ResponseMetaOptions } from '../../../../src/adapters/trpc/index.js';

/** The application to serve. */
export interface Served {
  readonly router: AnyTRPCRouter;
  readonly createContext: (options: ContextOptions) => object;
  readonly responseMeta?: (options: ResponseMetaOptions<never, never>) => ResponseMeta;
}

export interface TrpcHost {
  readonly url: string;
  /** The `fetch` of its clients. */
  readonly fetch: (input: string | URL | Request, init?: object) => Promise<Response>;
  stop(): Promise<void>;
}

export type Serve = (served: Served) => Promise<TrpcHost>;

const ENDPOINT = '/trpc';

/** Serves in this process, as on Workers, Deno, Bun and in Next's route handlers. */
export const overFetch: Serve = async (served) => ({
  url: `http://localhost${ENDPOINT}`,
  fetch: (input, init) => fetchRequestHandler({ endpoint: ENDPOINT, req: new Request(input, init), ...served }),
  stop: async () => undefined,
});

export const overStandalone: Serve = async (served) => {
  const server = createHTTPServer({ basePath: `${ENDPOINT}/`, ...served });
  server.listen(0);
  return onPort(server);
};

export const overExpress: Serve = async (served) => {
  const app = express();
  app.use(ENDPOINT, createExpressMiddleware(served));
  return listening(app);
};

/** An Express application of the test's own. */
export async function listening(app: express.Express): Promise<TrpcHost> {
  const server = app.listen(0);
  await new Promise((resolve) => server.once('listening', resolve));
  return onPort(server);
}

export const overFastify: Serve = async (served) => {
  const server = fastify({ forceCloseConnections: true });
  const options: FastifyTRPCPluginOptions<AnyTRPCRouter> = { prefix: ENDPOINT, trpcOptions: served };
  server.register(fastifyTRPCPlugin, options);
  await server.listen({ port: 0 });
  return { ...onPort(server.server), stop: () => server.close() };
};

interface WebServer {
  address(): AddressInfo | string | null;
  close(done: () => void): unknown;
  closeAllConnections(): void;
}

function onPort(server: WebServer): TrpcHost {
  return {
    url: `http://localhost:${portOf(server)}${ENDPOINT}`,
    fetch: (input, init) => fetch(input, init),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function portOf(server: { address(): AddressInfo | string | null }): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port');
  return address.port;
}

/** A WebSocket server; answers its URL. */
export async function overWebSocket(served: Served): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = new WebSocketServer({ port: 0 });
  const handler = applyWSSHandler({ wss: server, router: served.router, createContext: served.createContext });
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `ws://localhost:${portOf(server)}`,
    stop: () =>
      new Promise((resolve) => {
        handler.broadcastReconnectNotification();
        for (const client of server.clients) client.terminate();
        server.close(() => resolve());
      }),
  };
}

/** The hosts that speak HTTP. */
export const httpHosts: readonly (readonly [string, Serve])[] = [
  ['fetch', overFetch],
  ['standalone', overStandalone],
  ['express', overExpress],
  ['fastify', overFastify],
];
