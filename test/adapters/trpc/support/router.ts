import { createTRPCUntypedClient, httpBatchLink, httpBatchStreamLink, httpLink, TRPCClientError } from '@trpc/client';
import { type AnyTRPCRouter, initTRPC } from '@trpc/server';
import { onTestFinished } from 'vitest';
import { type ContextOptions, type SessionsContext, trpcSessions } from '../../../../src/adapters/trpc/index.js';
import { createSessions, type Logger, memoryStore, type SessionsOptions } from '../../../../src/index.js';
import { testClock } from '../../../support/clock.js';
import { overFetch, type Serve } from './hosts.js';

export interface Data {
  userId: string;
  theme?: string;
  role?: string;
  views?: number;
}

export type Link = 'single' | 'batch' | 'stream';

/** The parts that procedures are made of. */
export function kitOf(options: SessionsOptions<Data> = {}) {
  const clock = testClock();
  const store = options.store ?? memoryStore({ now: clock.now });
  const warnings: string[] = [];
  const errors: string[] = [];
  const events: string[] = [];
  const logger: Logger = {
    warn: (message) => void warnings.push(message),
    error: (message) => void errors.push(message),
  };
  const sessions = createSessions<Data>({ now: clock.now, logger, ownerOf: (data) => data.userId, ...options, store });
  for (const name of ['created', 'destroyed', 'evicted', 'gone'] as const)
    sessions.on(name, ({ id }) => events.push(`${name} ${id}`));
  const trpc = trpcSessions(sessions);
  const t = initTRPC.context<SessionsContext<Data>>().create({ errorFormatter: trpc.errorFormatter });
  const guards = {
    /** Behind `withSession`. */
    open: t.procedure.concat(trpc.withSession),
    /** Behind `requireSession`. */
    own: t.procedure.concat(trpc.requireSession),
    /** Without a guard. */
    bare: t.procedure,
  };
  const stored = async (of: { readonly id: string }) => (await sessions.find(of.id))?.data ?? null;
  return { ...trpc, ...guards, t, sessions, store, clock, warnings, errors, events, stored };
}

export type RouterKit = ReturnType<typeof kitOf>;

interface Options {
  readonly serve?: Serve;
  readonly sessions?: SessionsOptions<Data>;
  /** The values that the application adds to the context. */
  readonly extend?: (options: ContextOptions) => object;
}

/** A router of the test's own, served and ready to be called by real clients. */
export async function startRouter(
  build: (kit: RouterKit) => AnyTRPCRouter,
  { serve = overFetch, sessions, extend = () => ({}) }: Options = {},
) {
  const kit = kitOf(sessions);
  const router = build(kit);
  const createContext = (options: ContextOptions) => ({ ...extend(options), ...kit.createContext(options) });
  const host = await serve({ router, createContext, responseMeta: kit.responseMeta });
  onTestFinished(() => host.stop());
  /** The heads of the answers, in order. */
  const heads: Headers[] = [];
  function client(token?: string, link: Link = 'batch', more: Readonly<Record<string, string>> = {}) {
    const headers = { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...more };
    const options = {
      url: host.url,
      headers,
      fetch: async (...request: Parameters<typeof host.fetch>) => {
        const response = await host.fetch(...request);
        heads.push(response.headers);
        return response;
      },
    };
    const links = { single: httpLink, batch: httpBatchLink, stream: httpBatchStreamLink };
    const untyped = createTRPCUntypedClient({ links: [links[link](options)] });
    return {
      mutate: (path: string, input?: unknown) => told(untyped.mutation(path, input)),
      query: (path: string, input?: unknown) => told(untyped.query(path, input)),
    };
  }
  return { ...kit, router, host, client, heads };
}

/** The outcome that a client sees: the value, or the code of the error. */
export async function told(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof TRPCClientError) return error.data?.sessionCode ?? error.data?.code ?? error.message;
    throw error;
  }
}
