// A host's middleware runs for the request that becomes a WebSocket, and tRPC gets that request.

import { once } from 'node:events';
import { createServer, type IncomingMessage, ServerResponse } from 'node:http';
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client';
import { initTRPC } from '@trpc/server';
import { getWSConnectionHandler } from '@trpc/server/adapters/ws';
import fastify from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { expressSessions, type SessionRequest } from '../../src/adapters/express/index.js';
import { fastifySessions } from '../../src/adapters/fastify/index.js';
import { trpcSessions } from '../../src/adapters/trpc/index.js';
import {
  bearer,
  cookie,
  createSessions,
  isSessionError,
  memoryStore,
  requireSession,
  type Sessions,
  type SessionsOptions,
} from '../../src/index.js';

interface Data {
  userId: string;
  views?: number;
}

type Held = SessionRequest<Data>;
type Accept = (request: IncomingMessage & Held, own: Held) => void;

/** Calls `accept` for each request to upgrade, when the middleware has run. */
type Host = (sessions: Sessions<Data>, accept: Accept) => Promise<number>;

const onExpress: Host = async (sessions, accept) => {
  const server = createServer();
  const middleware = expressSessions(sessions);
  // The documentation of ws does this with express-session.
  server.on('upgrade', (request: IncomingMessage & Held) => {
    middleware(request, Object.create(null), () => accept(request, request));
  });
  onTestFinished(() => void server.close().closeAllConnections());
  await new Promise<void>((resolve) => server.listen(0, resolve));
  return portOf(server.address());
};

const onFastify: Host = async (sessions, accept) => {
  const app = fastify({ forceCloseConnections: true });
  app.register(fastifySessions(sessions));
  await app.after();
  app.get('/', (request, reply) => {
    reply.hijack();
    accept(request.raw as IncomingMessage & Held, request as unknown as Held);
  });
  // As @fastify/websocket does.
  app.server.on('upgrade', (request: IncomingMessage) => app.routing(request, new ServerResponse(request)));
  onTestFinished(() => app.close());
  await app.listen({ port: 0 });
  return portOf(app.server.address());
};

function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  return typeof address === 'object' && address ? address.port : 0;
}

/** Two servers on one store. `connected` runs for each socket of the first one. */
async function serve(
  host: Host,
  connected: (socket: WebSocket, own: Held, request: IncomingMessage) => void,
  sources: SessionsOptions<Data>['sources'] = [bearer()],
) {
  const store = memoryStore();
  const warnings: string[] = [];
  const logger = { warn: (line: string) => void warnings.push(line), error: () => undefined };
  const sessions = createSessions<Data>({ store, logger, sources });
  const sockets = new WebSocketServer({ noServer: true });
  const port = await host(sessions, (request, own) => {
    sockets.handleUpgrade(request, request.socket, Buffer.alloc(0), (socket) => connected(socket, own, request));
  });
  const { token, id } = await sessions.create({ userId: 'ann' });
  const headers = { authorization: `Bearer ${token}` };
  const url = `ws://127.0.0.1:${port}`;
  return { sessions, warnings, token, id, url, headers, endElsewhere: () => store.delete(id) };
}

function procedures(sessions: Sessions<Data>) {
  const { createContext, requireSession: required, withSession } = trpcSessions(sessions);
  const t = initTRPC.context<typeof createContext>().create();
  const router = t.router({
    who: t.procedure.concat(required).query(({ ctx }) => ctx.session.data.userId),
    login: t.procedure
      .concat(withSession)
      .mutation(async ({ ctx }) => (await ctx.sessions.create({ userId: 'bob' })).token),
  });
  return { router, createContext };
}

type Router = ReturnType<typeof procedures>['router'];

function trpcClient(url: string, headers: Readonly<Record<string, string>>) {
  class Socket extends WebSocket {
    constructor(address: string) {
      super(address, { headers });
    }
  }
  const client = createWSClient({ url, WebSocket: Socket as unknown as typeof globalThis.WebSocket });
  const leave = async () => {
    await client.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
  };
  onTestFinished(leave);
  return { client: createTRPCClient<Router>({ links: [wsLink<Router>({ client })] }), leave };
}

type Deeds = Readonly<Record<string, (own: Held) => unknown>>;

/** A socket on which each message names a deed, and gets its outcome. */
async function talk(host: Host, deeds: Deeds, sources?: SessionsOptions<Data>['sources']) {
  const answer = async (own: Held, deed: string) => {
    try {
      return (await deeds[deed]?.(own)) ?? null;
    } catch (error) {
      return isSessionError(error) ? error.code : String(error);
    }
  };
  const served = await serve(
    host,
    (socket, own) =>
      socket.on('message', async (deed) => socket.send(JSON.stringify(await answer(own, String(deed))))),
    sources,
  );
  const socket = new WebSocket(served.url, { headers: sources ? {} : served.headers });
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  const say = async (deed: string): Promise<unknown> => {
    socket.send(deed);
    const [data] = await once(socket, 'message');
    return JSON.parse(String(data));
  };
  const leave = async () => {
    socket.close();
    await once(socket, 'close');
    // Whatever the end of the connection has begun is done before this.
    await new Promise((resolve) => setTimeout(resolve, 20));
  };
  return { ...served, say, leave };
}

describe.each([
  ['Express, as before express-session', onExpress],
  ['Fastify', onFastify],
])('the request of a WebSocket on %s', (_name, host) => {
  test('rule 18: a login takes effect at once, and outlives the socket', async () => {
    const login = async ({ sessions }: Held) => (await sessions.create({ userId: 'bob' })).token;
    const { say, leave, sessions, id } = await talk(host, { login, who: ({ session }) => session?.data.userId });
    const token = String(await say('login'));
    expect([await say('who'), await sessions.find(id)]).toEqual(['bob', null]);
    await leave();
    expect((await sessions.fromToken(token)).session?.data.userId).toBe('bob');
  });

  test('rule 18: a login for which a source must write is refused, because nothing answers it', async () => {
    const login = ({ sessions }: Held) => sessions.create({ userId: 'bob' });
    const { say, sessions } = await talk(host, { login }, [cookie('sid', { secure: false })]);
    expect([await say('login'), await sessions.count()]).toEqual(['HEADERS_SENT', 1]);
  });

  test('rule 15: load() looks the session up again, and guards refuse one that has ended', async () => {
    const { say, endElsewhere } = await talk(host, {
      who: async ({ sessions }) => (await sessions.load())?.data.userId,
      guarded: (own) => requireSession(own).data.userId,
    });
    expect([await say('who'), await say('guarded')]).toEqual(['ann', 'ann']);
    await endElsewhere();
    expect([await say('who'), await say('guarded')]).toEqual([null, 'UNAUTHENTICATED']);
  });

  test('rule 18: changes are saved by save() and update()', async () => {
    const { say, sessions, id } = await talk(host, {
      update: async ({ session }) => {
        const data = await session?.update((newest) => {
          newest.views = 5;
        });
        return data?.views;
      },
      save: async ({ session }) => {
        if (session) session.data.views = 6;
        await session?.save();
      },
    });
    expect([await say('update'), await say('save')]).toEqual([5, null]);
    expect((await sessions.find(id))?.data.views).toBe(6);
  });

  test('rules 5 and 15: calls of tRPC on it look their session up, and their logins take effect', async () => {
    const wss = new WebSocketServer({ noServer: true });
    const served = await serve(host, (socket, _own, request) => accept(socket, request));
    const { router, createContext } = procedures(served.sessions);
    const accept = getWSConnectionHandler({ wss, router, createContext });
    const { client, leave } = trpcClient(served.url, served.headers);
    expect(await client.who.query()).toBe('ann');
    await served.endElsewhere();
    await expect(client.who.query()).rejects.toMatchObject({ data: { code: 'UNAUTHORIZED' } });
    const token = await client.login.mutate();
    expect(await client.who.query()).toBe('bob');
    await leave();
    expect((await served.sessions.fromToken(token)).session?.data.userId).toBe('bob');
  });
});
