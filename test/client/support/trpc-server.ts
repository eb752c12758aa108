import { once } from 'node:events';
import { createTRPCClient, type TRPCLink } from '@trpc/client';
import { initTRPC } from '@trpc/server';
import { createHTTPServer } from '@trpc/server/adapters/standalone';
import {
  requireFresh as assertFresh,
  bearer,
  createSessions,
  header,
  memoryStore,
  type Sessions,
} from 'token-sessions';
import { type SessionsContext, trpcSessions } from 'token-sessions/trpc';

export interface Data {
  readonly userId: string;
}

/** The procedures that ran on the server. */
export interface Counts {
  open: number;
  guarded: number;
}

export interface TrpcServer {
  readonly url: string;
  readonly sessions: Sessions<Data>;
  readonly counts: Counts;
  /** Stops time for `requireFresh`: the session's clock, in ms. */
  readonly clock: { now: number };
  /** Whether the store answers. */
  readonly store: { isDown: boolean };
  close(): Promise<void>;
}

type AppRouter = ReturnType<typeof routerOf>;

function routerOf(sessions: Sessions<Data>, counts: Counts) {
  const { requireSession, requireFresh, errorFormatter } = trpcSessions(sessions);
  const t = initTRPC.context<SessionsContext<Data>>().create({ errorFormatter });
  const fresh = t.procedure.concat(requireFresh('5m')).mutation(() => {
    counts.guarded++;
  });
  const callFresh = t.createCallerFactory(t.router({ fresh }));
  return t.router({
    login: t.procedure.mutation(async ({ ctx }) => (await ctx.sessions.create({ userId: 'ada' })).token),
    open: t.procedure.mutation(() => {
      counts.open++;
    }),
    guarded: t.procedure.concat(requireSession).mutation(({ ctx }) => {
      counts.guarded++;
      return ctx.session.data.userId;
    }),
    fresh,
    /** Runs in part before it learns that the user must log in again. */
    nested: t.procedure.concat(requireSession).mutation(({ ctx }) => {
      counts.guarded++;
      return callFresh(ctx).fresh();
    }),
    unguarded: t.procedure.mutation(({ ctx }) => {
      counts.open++;
      return callFresh(ctx).fresh();
    }),
    late: t.procedure.concat(requireSession).mutation(async ({ ctx }) => {
      await ctx.session.update(() => undefined);
      counts.guarded++;
      assertFresh(ctx, '5m');
    }),
    /** Learns it before it does anything. */
    prompt: t.procedure.concat(requireSession).mutation(({ ctx }) => {
      assertFresh(ctx, '5m');
      counts.guarded++;
    }),
    rotate: t.procedure
      .concat(requireSession)
      .mutation(({ ctx }) => ctx.session.rotate({ immediate: true, reauthenticated: true })),
    logout: t.procedure.concat(requireSession).mutation(({ ctx }) => ctx.session.destroy()),
    broken: t.procedure.concat(requireSession).mutation(() => {
      counts.guarded++;
      throw new Error('broken');
    }),
  });
}

export async function startTrpcServer(): Promise<TrpcServer> {
  const clock = { now: Date.now() };
  const store = { isDown: false };
  const memory = memoryStore({ now: () => clock.now });
  const find = memory.find.bind(memory);
  memory.find = async (id) => {
    if (store.isDown) throw new Error('down');
    return find(id);
  };
  const sessions = createSessions<Data>({
    store: memory,
    now: () => clock.now,
    sources: [bearer(), header('session-token', { respond: true })],
  });
  const counts: Counts = { open: 0, guarded: 0 };
  const { createContext, responseMeta } = trpcSessions(sessions);
  const server = createHTTPServer({ router: routerOf(sessions, counts), createContext, responseMeta });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    sessions,
    counts,
    clock,
    store,
    async close() {
      server.closeAllConnections();
      await once(server.close(), 'close');
      await sessions.close();
    },
  };
}

export function trpcClient(links: TRPCLink<AppRouter>[]) {
  return createTRPCClient<AppRouter>({ links });
}
