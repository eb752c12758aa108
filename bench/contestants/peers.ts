import { initTRPC } from '@trpc/server';
import { type BetterAuthOptions, betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { sealData, unsealData } from 'iron-session';
import { jwtVerify, SignJWT } from 'jose';
import type { createClient } from 'redis';
import type { Contestant } from '../run/measure.ts';
import { type Account, forEachSession } from './accounts.ts';
import { bearer, overTrpc, userIdOf } from './over-trpc.ts';

type RedisClient = ReturnType<typeof createClient>;

interface Context {
  readonly userId: string | undefined;
}

const t = initTRPC.context<Context>().create();
const router = t.router({ whoAmI: t.procedure.query(({ ctx }) => ctx.userId) });

const tokenIn = (headers: Headers): string => headers.get('authorization')?.slice('Bearer '.length) ?? '';

/** A signed token, HS256, with a key that is imported once. It cannot be ended. */
export async function jose(): Promise<Contestant> {
  const key = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
  const sign = ({ ...account }: Account) =>
    new SignJWT(account).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('1h').sign(key);
  const clients = await forEachSession(async (account) => bearer(await sign(account)));
  const createContext = async ({ req }: { req: Request }): Promise<Context> => {
    const { payload } = await jwtVerify<Account>(tokenIn(req.headers), key, { algorithms: ['HS256'] });
    return { userId: payload.userId };
  };
  return overTrpc('jose: HS256, imported CryptoKey', {
    router,
    createContext,
    clients,
    path: 'whoAmI',
    answer: userIdOf,
  });
}

/** A sealed token. It cannot be ended. */
export async function ironSession(): Promise<Contestant> {
  const password = 'a password of at least thirty-two characters';
  const clients = await forEachSession(async (account) => bearer(await sealData(account, { password })));
  const createContext = async ({ req }: { req: Request }): Promise<Context> => {
    const { userId } = await unsealData<Account>(tokenIn(req.headers), { password });
    return { userId };
  };
  return overTrpc('iron-session: unsealData', { router, createContext, clients, path: 'whoAmI', answer: userIdOf });
}

/**
 * `getSession` with sessions in Redis as secondary storage. Without the cache in a cookie, because
 * that would outlive a logout.
 */
export async function betterAuthSession(redis: RedisClient): Promise<Contestant> {
  const auth = betterAuth({
    baseURL: 'http://localhost',
    secret: 'jZ0tC5n8Qp2xVw7rKy3mHs9dLf4gBa6e',
    database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
    secondaryStorage: secondaryStorage(redis),
    emailAndPassword: { enabled: true, password: { hash: async (password) => password, verify: async () => true } },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
  });
  const ids: string[] = [];
  const clients = await forEachSession(async (account, index) => {
    const body = { email: `ada${index}@example.com`, password: 'correct horse battery', name: account.name };
    const { headers, response } = await auth.api.signUpEmail({ body, returnHeaders: true });
    ids[index] = response.user.id;
    const [cookie = ''] = headers.getSetCookie();
    return { cookie: cookie.slice(0, cookie.indexOf(';')) };
  });
  const createContext = async ({ req }: { req: Request }): Promise<Context> => {
    const found = await auth.api.getSession({ headers: req.headers });
    return { userId: found?.user.id };
  };
  const answer = (session: number) => ids[session] ?? '';
  return overTrpc('better-auth: getSession, Redis as secondary storage', {
    router,
    createContext,
    clients,
    path: 'whoAmI',
    answer,
  });
}

function secondaryStorage(redis: RedisClient): NonNullable<BetterAuthOptions['secondaryStorage']> {
  return {
    get: (key) => redis.get(key),
    getAndDelete: (key) => redis.getDel(key),
    increment: (key) => redis.incr(key),
    set: (key, value, ttl) =>
      redis.set(key, value, ttl === undefined ? {} : { expiration: { type: 'EX', value: ttl } }),
    delete: async (key) => void (await redis.del(key)),
  };
}
