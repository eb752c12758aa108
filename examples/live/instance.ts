import { EventEmitter, on } from 'node:events';
import { createServer } from 'node:http';
import { initTRPC } from '@trpc/server';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import { createSessions, type SessionStore } from 'token-sessions';
import { trpcSessions } from 'token-sessions/trpc';
import { WebSocketServer } from 'ws';

function createRouter({ createContext, withSession, requireSession }: ReturnType<typeof bind>) {
  const t = initTRPC.context<typeof createContext>().create();
  const events = new EventEmitter();

  return t.router({
    login: t.procedure
      .concat(withSession)
      .mutation(async ({ ctx }) => (await ctx.sessions.create({ userId: 'ada' })).token),
    logout: t.procedure.concat(requireSession).mutation(({ ctx }) => ctx.session.destroy()),
    onEvent: t.procedure.concat(requireSession).subscription(async function* ({ ctx, signal }) {
      yield 'subscribed';
      // The session's own signal. Work that waits with it cleans up as soon as the session ends,
      // on any instance.
      const ended = AbortSignal.any(signal ? [signal, ctx.session.signal] : [ctx.session.signal]);
      for await (const [event] of on(events, 'event', { signal: ended })) yield String(event);
    }),
  });
}

function bind(store: SessionStore) {
  return trpcSessions(createSessions<{ userId: string }>({ store }));
}

export type LiveRouter = ReturnType<typeof createRouter>;

export interface Instance {
  readonly http: string;
  readonly ws: string;
  stop(): Promise<void>;
}

/** One server: tRPC over HTTP with SSE, and over WebSockets, on a free port. */
export async function startInstance(store: SessionStore): Promise<Instance> {
  const bound = bind(store);
  const { createContext } = bound;
  const router = createRouter(bound);
  const server = createServer(createHTTPHandler({ router, createContext }));
  const sockets = new WebSocketServer({ server });
  applyWSSHandler({ wss: sockets, router, createContext });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const address = server.address();
  const host = `localhost:${typeof address === 'object' && address ? address.port : 0}`;
  return {
    http: `http://${host}`,
    ws: `ws://${host}`,
    async stop() {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
