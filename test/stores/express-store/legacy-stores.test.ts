import { RedisStore } from 'connect-redis';
import session from 'express-session';
import tokenSession from 'express-token-session';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSessions, header, type SessionStore } from '../../../src/index.js';
import { type CallbackStore, expressLegacy, expressStore } from '../../../src/stores/express-store/index.js';
import { redisStore } from '../../../src/stores/redis/index.js';
import { command, describeWithRedis, dump, type RedisServer, startRedis } from '../../support/services/redis.js';
import { describePostgres } from '../postgres/support/server.js';
import { CheckedMemoryStore, PgStore, RedisStoreOfTheAncestor } from './stores.js';

interface Data {
  userId: string;
}

const ROUNDS = 20;

/** Two processes of a new application, each with its own connections. */
type Processes = readonly { readonly old: CallbackStore; readonly store: SessionStore }[];

function open({ old, store }: Processes[number]) {
  const sessions = createSessions<Data>({
    store,
    sources: [header('X-AUTH_TOKEN', { respond: true, legacy: expressLegacy(old) })],
  });
  return async (token: string) => {
    const context = await sessions.fromHeaders({ 'x-auth_token': token });
    return { session: context.session, offered: context.sessions.responseHeaders.get('x-auth_token') };
  };
}

/** Sessions as the ancestor stores them: plain JSON, with the token as the key. */
function leave(old: CallbackStore, token: string): Promise<void> {
  return new Promise((resolve, reject) => {
    old.set(token, { userId: 'ann', cookie: { originalMaxAge: null, expires: null } }, (error) =>
      error ? reject(error) : resolve(),
    );
  });
}

function left(old: CallbackStore, token: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    old.get(token, (error, value) => (error ? reject(error) : resolve(value ?? null)));
  });
}

function migrationTests(processes: () => Promise<Processes> | Processes): void {
  test('old tokens work if two processes get requests at once, and a logout is final', async () => {
    const opened = await processes();
    const requests = opened.map(open);
    const [{ old } = { old: undefined }] = opened;
    if (!old) throw new Error('there are two processes');
    for (let round = 0; round < ROUNDS; round += 1) {
      const token = `token-${round}-xxxxxxxxxxxxxxxxxxxx`;
      await leave(old, token);
      const answers = await Promise.all([0, 1, 0, 1, 0, 1].map((at) => requests[at]?.(token)));
      expect(answers.map((answer) => answer?.session?.data)).toEqual(answers.map(() => ({ userId: 'ann' })));
      const offered = [...new Set(answers.map((answer) => answer?.offered))];
      expect(offered).toEqual([expect.stringMatching(/^ts_/)]);
      expect(await left(old, token)).toBeNull();
      const used = await requests[1]?.(offered[0] ?? '');
      expect(used?.session?.id).toBe(answers[0]?.session?.id);
      const late = Promise.all([0, 1, 0].map((at) => requests[at]?.(token)));
      await used?.session?.destroy();
      await late;
      for (const each of [token, offered[0] ?? '']) expect((await requests[0]?.(each))?.session).toBeNull();
    }
  });
}

describe('in memory', () => {
  const twice = (old: CallbackStore): Processes => [0, 1].map(() => ({ old, store: expressStore(old) }));
  describe('the ancestor’s MemoryStore', () => migrationTests(() => twice(new tokenSession.MemoryStore())));
  describe('express-session’s MemoryStore', () => migrationTests(() => twice(new session.MemoryStore())));
  describe('memorystore', () => migrationTests(() => twice(new CheckedMemoryStore({ checkPeriod: false }))));
});

describeWithRedis('on Redis', () => {
  let server: RedisServer;
  const close: (() => unknown)[] = [];
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(async () => {
    for (const each of close) each();
    await server.stop();
  });
  const current = async () => {
    const client = await createClient({ url: server.url }).connect();
    close.push(() => client.destroy());
    return client;
  };
  const ancestors = () => {
    const client = new Redis(server.url);
    close.push(() => client.disconnect());
    return new RedisStoreOfTheAncestor({ client });
  };

  describe('connect-redis, to itself', () => {
    migrationTests(async () => {
      const stores = [new RedisStore({ client: await current() }), new RedisStore({ client: await current() })];
      // Both processes share the new store. With one each, a write of one could undo the logout of
      // the other.
      const store = expressStore(new RedisStore({ client: await current() }));
      return stores.map((old) => ({ old, store }));
    });
  });

  test('connect-redis, to itself, serves all processes that share nothing else, and one new token works', async () => {
    const requests = await Promise.all(
      [0, 1].map(async () => {
        const old = new RedisStore({ client: await current() });
        return open({ old, store: expressStore(old) });
      }),
    );
    const seed = new RedisStore({ client: await current() });
    for (let round = 0; round < 3 * ROUNDS; round += 1) {
      const token = `apart-${round}-xxxxxxxxxxxxxxxxxxxx`;
      await leave(seed, token);
      const answers = await Promise.all([0, 1, 0, 1].map((at) => requests[at]?.(token)));
      expect(answers.map((answer) => answer?.session?.data)).toEqual(answers.map(() => ({ userId: 'ann' })));
      for (const answer of answers) {
        if (answer?.offered) expect((await requests[0]?.(answer.offered))?.session).not.toBeNull();
      }
      expect(answers.some((answer) => answer?.offered)).toBe(true);
    }
  });

  describe('token-session-redis, to redisStore', () => {
    migrationTests(async () => {
      return [
        { old: ancestors(), store: redisStore(await current()) },
        { old: ancestors(), store: redisStore(await current()) },
      ];
    });

    test('invariant 4: once the session has moved, the old token is nowhere in Redis', async () => {
      const token = 'aRecognisableTokenOfTheAncestorXXXXXXXXX';
      const old = ancestors();
      await leave(old, token);
      await command(server, ['SET', 'unrelated', 'x']);
      expect(await dump(server)).toContain(token);
      expect((await open({ old, store: redisStore(await current()) })(token))?.session).not.toBeNull();
      const all = await dump(server);
      expect(all).not.toContain('aRecognisableToken');
      expect(all).toContain('unrelated');
    });
  });
});

describePostgres('connect-pg-simple, to itself', (postgres) => {
  migrationTests(async () => {
    const open = () => new PgStore({ pool: postgres.pool(), createTableIfMissing: true, pruneSessionInterval: false });
    const shared = open();
    await left(shared, 'makes the table');
    const store = expressStore(shared);
    return [open(), open()].map((old) => ({ old, store }));
  });
});
