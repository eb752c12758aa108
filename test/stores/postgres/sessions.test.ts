import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type pg from 'pg';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { createSessions } from '../../../src/index.js';
import { type PostgresStore, postgresStore } from '../../../src/stores/postgres/index.js';
import { NOW, record, rewritten } from '../support/records.js';
import { describePostgres } from './support/server.js';

describePostgres(
  'sessions in PostgreSQL',
  (postgres) => {
    let pool: pg.Pool;
    let store: PostgresStore;

    beforeAll(async () => {
      pool = postgres.pool();
      store = postgresStore(pool);
      await store.createTables();
    });

    /** The messages that `call` sent to the server, one a line. */
    async function sentBy(call: () => Promise<unknown>): Promise<string[]> {
      const start = `start ${record().id}`;
      const end = `end ${record().id}`;
      await pool.query(`SELECT '${start}'`);
      await call();
      await pool.query(`SELECT '${end}'`);
      await vi.waitFor(() => expect(postgres.server.log()).toContain(end));
      const between = postgres.server.log().split(start)[1]?.split(end)[0] ?? '';
      // Notifications are sent apart from the verbs, for all sessions that have ended in the
      // meantime.
      const messages = [...between.matchAll(/(?:execute (?!token_sessions_notify)\S+|statement): (\w+)/g)];
      return messages.map((match) => match[1] ?? '').slice(0, -1);
    }

    test('invariant 8: each verb sends one message to the server, and a limited insert two', async () => {
      const given = record({ ownerId: 'ada' });
      const next = rewritten(given);
      const limit = { max: 1, onLimit: 'evict-oldest', now: NOW } as const;
      expect(await sentBy(() => store.insert(given, 1000))).toEqual(['INSERT']);
      expect(await sentBy(() => store.find(given.id))).toEqual(['SELECT']);
      expect(await sentBy(() => store.findMany([given.id, next.id, record().id]))).toEqual(['SELECT']);
      expect(await sentBy(() => store.replace(next, given.version, 1000))).toEqual(['WITH']);
      expect(await sentBy(() => store.replace(next, given.version, 1000))).toEqual(['WITH']);
      expect(await sentBy(() => store.touch(rewritten(next), next.version, 1000))).toEqual(['WITH']);
      expect(await sentBy(() => store.listByOwner('ada'))).toEqual(['SELECT']);
      expect(await sentBy(() => store.trimOwner('ada', { max: 1, now: NOW, keep: given.id }))).toEqual(['WITH']);
      expect(await sentBy(() => store.insertWithin(record({ ownerId: 'ada' }), 1000, limit))).toEqual([
        'INSERT',
        'WITH',
      ]);
      expect(await sentBy(() => store.deleteByOwner('ada'))).toEqual(['WITH']);
      expect(await sentBy(() => store.delete(given.id))).toEqual(['DELETE']);
      expect(await sentBy(() => store.sweep(NOW))).toEqual(['WITH']);
      expect(await sentBy(() => store.count())).toEqual(['WITH']);
      expect(await sentBy(() => store.clear())).toEqual(['WITH']);
    });

    test('invariant 8: a request sends one message to read, and another to write', async () => {
      const sessions = createSessions<{ user: string; views: number }>({ store, ownerOf: (data) => data.user });
      const { token } = await sessions.create({ user: 'ada', views: 0 });
      expect(await sentBy(() => sessions.fromToken(token))).toEqual(['SELECT']);
      const write = async () => {
        const { session } = await sessions.fromToken(token);
        if (session) session.data.views = 1;
        await session?.save();
      };
      expect(await sentBy(write)).toEqual(['SELECT', 'WITH']);
      expect(await sentBy(() => sessions.fromToken(null))).toEqual([]);
    });

    test('invariant 3: 4 processes increment one counter, and no increment is lost', async () => {
      const sessions = createSessions<{ count: number }>({ store });
      await store.clear();
      const { id, token } = await sessions.create({ count: 0 });
      const script = new URL('./support/count.ts', import.meta.url).pathname;
      const argument = JSON.stringify({ config: postgres.server.config, token, processes: 4, times: 100 });
      const run = () => promisify(execFile)(process.execPath, ['--import', 'tsx', script, argument]);
      await Promise.all(Array.from({ length: 4 }, run));
      expect((await sessions.find(id))?.data).toEqual({ count: 400 });
    }, 120_000);

    test('64 logins at a limit of 3, over two pools, leave 3 that work, and the others are reported as evicted', async () => {
      const options = {
        ownerOf: (data: { user: string }) => data.user,
        maxPerOwner: { max: 3, onLimit: 'evict-oldest' } as const,
      };
      const [one, two] = [store, postgresStore(postgres.pool())].map((each) =>
        createSessions<{ user: string }>({ ...options, store: each }),
      );
      const evicted: string[] = [];
      for (const each of [one, two]) each?.on('evicted', (event) => evicted.push(event.id));
      const created = await Promise.all(
        Array.from({ length: 64 }, (_, index) => (index % 2 ? one : two)?.create({ user: 'limited' })),
      );
      const usable = await Promise.all(
        created.map(async (session) => (await one?.fromToken(session?.token))?.session !== null),
      );
      expect(usable.filter(Boolean)).toHaveLength(3);
      expect(new Set(evicted).size).toBe(61);
    });

    test('invariant 5: a destroyed session ends its streams in another process, by notification', async () => {
      const [here, there] = [store, postgresStore(postgres.pool())].map((each) =>
        createSessions<{ user: string }>({ store: each, recheckInterval: '1h', ownerOf: (data) => data.user }),
      );
      const created = await here?.create({ user: 'ada' });
      const { session } = (await there?.fromToken(created?.token)) ?? {};
      const ended = new Promise((resolve) =>
        session?.signal.addEventListener('abort', () => resolve(session.signal.reason)),
      );
      await here?.destroyFor('ada');
      expect(await ended).toMatchObject({ code: 'SESSION_GONE' });
      await there?.close();
    });

    test('invariant 4: a dump of the table holds no token and no secret', async () => {
      const sessions = createSessions<{ user: string }>({
        store,
        ownerOf: (data) => data.user,
        maxPerOwner: { max: 2, onLimit: 'evict-oldest' },
      });
      const created = await sessions.create({ user: 'recognisable-owner' });
      const rotated = await created.rotate();
      const { rows } = await pool.query(
        'SELECT string_agg(token_sessions::text, chr(10)) AS dump FROM token_sessions',
      );
      const seen = rows[0].dump + postgres.server.log();
      expect(seen).toContain('recognisable-owner');
      for (const token of [created.token, rotated]) {
        const secret = String(token).split('.')[1] ?? '';
        expect(secret).toHaveLength(43);
        expect(seen).not.toContain(secret);
        expect(seen).not.toContain(Buffer.from(secret, 'base64url').toString('hex'));
      }
    });

    describe('invariant 6: an outage is not a logout', () => {
      test('a missing table or a closed pool is STORE_UNAVAILABLE, with an event', async () => {
        const closed = postgres.pool();
        await closed.end();
        closed.end = async () => undefined;
        const { token } = await createSessions<{ user: string }>({ store }).create({ user: 'ada' });
        for (const broken of [postgresStore(pool, { table: 'nowhere' }), postgresStore(closed)]) {
          const sessions = createSessions<{ user: string }>({ store: broken });
          const reasons: string[] = [];
          sessions.on('store-error', (event) => reasons.push(event.reason));
          await expect(sessions.fromToken(token)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
          expect(reasons).toEqual([expect.stringMatching(/createTables|closed/)]);
        }
      });
    });
  },
  { log_statement: 'all' },
);
