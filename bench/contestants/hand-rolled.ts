import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { initTRPC, TRPCError } from '@trpc/server';
import type { Contestant } from '../run/measure.ts';
import { type Account, forEachSession } from './accounts.ts';
import { bearer, overTrpc, userIdOf } from './over-trpc.ts';

/** The part of a Redis client that hand-rolled sessions need. */
export interface Strings {
  get(key: string): Promise<string | null>;
  set(key: string, value: string): Promise<unknown>;
}

interface Context {
  readonly session: Account | null;
}

const tokenIn = (headers: Headers): string => headers.get('authorization')?.slice('Bearer '.length) ?? '';

/** tRPC alone, without a session. */
export function bareTrpc(): Contestant {
  const t = initTRPC.create();
  const router = t.router({ whoAmI: t.procedure.query(() => 'anonymous') });
  return overTrpc('bare tRPC, no session', {
    router,
    createContext: () => ({}),
    clients: [{}],
    path: 'whoAmI',
    answer: () => 'anonymous',
  });
}

/** The least that any session can add: a context that is made asynchronously, and a middleware. */
export function emptyMiddleware(): Contestant {
  const t = initTRPC.context<object>().create();
  const router = t.router({ whoAmI: t.procedure.use(({ next }) => next({ ctx: {} })).query(() => 'anonymous') });
  return overTrpc('an async createContext and an empty middleware', {
    router,
    createContext: async () => ({}),
    clients: [{}],
    path: 'whoAmI',
    answer: () => 'anonymous',
  });
}

/** Sessions that take five minutes to write: the token is the key, in plain text. */
export async function handRolled(redis: Strings): Promise<Contestant> {
  const t = initTRPC.context<Context>().create();
  const router = t.router({ whoAmI: t.procedure.query(({ ctx }) => ctx.session?.userId) });
  const clients = await forEachSession(async (account) => {
    const token = randomBytes(32).toString('base64url');
    await redis.set(`plain:${token}`, JSON.stringify(account));
    return bearer(token);
  });
  const createContext = async ({ req }: { req: Request }): Promise<Context> => {
    const text = await redis.get(`plain:${tokenIn(req.headers)}`);
    return { session: text === null ? null : JSON.parse(text) };
  };
  return overTrpc('hand-rolled: GET + JSON.parse', {
    router,
    createContext,
    clients,
    path: 'whoAmI',
    answer: userIdOf,
  });
}

/**
 * The same with the most important missing parts: a hash at rest, compared in constant time, and a
 * guard.
 */
export async function handRolledWithHash(redis: Strings): Promise<Contestant> {
  const t = initTRPC.context<Context>().create();
  const guarded = t.procedure.use(({ ctx, next }) => {
    if (!ctx.session) throw new TRPCError({ code: 'UNAUTHORIZED' });
    return next({ ctx: { session: ctx.session } });
  });
  const router = t.router({ whoAmI: guarded.query(({ ctx }) => ctx.session.userId) });
  const clients = await forEachSession(async (data, index) => {
    const secret = randomBytes(32).toString('base64url');
    await redis.set(`hashed:${index}`, JSON.stringify({ hash: hashOf(secret).toString('base64url'), data }));
    return bearer(`${index}.${secret}`);
  });
  const createContext = async ({ req }: { req: Request }): Promise<Context> => {
    const [id, secret = ''] = tokenIn(req.headers).split('.');
    const text = await redis.get(`hashed:${id}`);
    if (text === null) return { session: null };
    const { hash, data }: { hash: string; data: Account } = JSON.parse(text);
    return { session: timingSafeEqual(Buffer.from(hash, 'base64url'), hashOf(secret)) ? data : null };
  };
  const name = 'hand-rolled: with SHA-256, constant-time compare and a guard';
  return overTrpc(name, { router, createContext, clients, path: 'whoAmI', answer: userIdOf });
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
