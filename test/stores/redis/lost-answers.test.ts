import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSessions } from '../../../src/index.js';
import { type RedisStore, redisStore } from '../../../src/stores/redis/index.js';
import { DELETE, INDEX, REPLACE } from '../../../src/stores/redis/scripts.js';
import { describeWithRedis, type RedisServer, startRedis } from '../../support/services/redis.js';
import { startTcpProxy, type TcpProxy } from '../../support/services/tcp-proxy.js';
import { type OpenClient, openNodeRedis } from './clients.js';
import { changed, HOUR, record } from './records.js';

interface Data {
  readonly userId: string;
  n: number;
}

const OPEN: Readonly<Record<string, (port: number) => Promise<OpenClient>>> = {
  async 'node-redis, which fails what was not answered'(port) {
    const client = await openNodeRedis(`redis://127.0.0.1:${port}`);
    return { client, close: () => client.destroy() };
  },
  async 'ioredis, which sends again what was not answered'(port) {
    const client = new Redis(port, { retryStrategy: () => 10 }).on('error', () => undefined);
    return { client, close: () => client.disconnect() };
  },
};

describeWithRedis('an answer that is lost after the server has done its work', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  describe.each(Object.entries(OPEN))('%s', (_name, open) => {
    let proxy: TcpProxy;
    let opened: OpenClient;
    let direct: Awaited<ReturnType<typeof openNodeRedis>>;
    /** Over the connection that breaks. */
    let store: RedisStore;
    /** The same sessions over one that does not. */
    let other: RedisStore;
    beforeEach(async () => {
      proxy = await startTcpProxy(server);
      opened = await open(proxy.port);
      direct = await openNodeRedis(server.url);
      await direct.flushDb();
      store = redisStore(opened.client);
      other = redisStore(direct);
      // The scripts are known to the server from here on.
      const session = record({ ownerId: 'eve' });
      await store.insert(session, HOUR);
      await store.replace(changed(session), session.version, HOUR);
      await store.delete(session.id);
    });
    afterEach(async () => {
      opened.close();
      direct.destroy();
      await proxy.close();
    });

    const accounts = () => {
      const options = { ownerOf: (data: Data) => data.userId };
      return { sessions: createSessions<Data>({ ...options, store }), elsewhere: createSessions<Data>({ ...options, store: other }) };
    };

    test('of a write: it counts once', async () => {
      const { sessions, elsewhere } = accounts();
      const { id } = await elsewhere.create({ userId: 'ada', n: 0 });
      const session = await sessions.find(id);
      proxy.loseAnswer(REPLACE.sha);
      await session?.update((data) => {
        data.n += 1;
      });
      expect(proxy.lost).toBe(1);
      expect((await elsewhere.find(id))?.data.n).toBe(1);
    });

    test('invariant 3: of a write that another write follows: it is not done twice, and not told as done or not done', async () => {
      const { sessions, elsewhere } = accounts();
      const { id } = await elsewhere.create({ userId: 'ada', n: 0 });
      const session = await sessions.find(id);
      const count = async (by: number) => {
        const mine = await elsewhere.find(id);
        await mine?.update((data) => {
          data.n += by;
        });
      };
      proxy.loseAnswer(REPLACE.sha, () => count(10));
      const outcome = session?.update((data) => {
        data.n += 1;
      });
      await expect(outcome).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      expect(proxy.lost).toBe(1);
      expect((await elsewhere.find(id))?.data.n).toBe(11);
    });

    test('of a logout: the session has ended', async () => {
      const { sessions, elsewhere } = accounts();
      const { id } = await elsewhere.create({ userId: 'ada', n: 0 });
      proxy.loseAnswer(DELETE.sha);
      expect(await sessions.destroy(id)).toBe(true);
      expect(proxy.lost).toBe(1);
      expect(await elsewhere.find(id)).toBeNull();
    });

    test('of a login without an owner', async () => {
      const session = record();
      proxy.loseAnswer(session.id);
      await store.insert(session, HOUR).catch(() => undefined);
      expect(proxy.lost).toBe(1);
      expect(await store.insert(session, HOUR)).toBe('inserted');
      expect(await other.find(session.id)).toEqual(session);
    });

    test.each([
      ['record', 'PX'],
      ['entry in the index', INDEX.sha],
    ])('of a login, for its %s: where it succeeds, the account has the session', async (_what, text) => {
      const { sessions, elsewhere } = accounts();
      proxy.loseAnswer(text);
      const session = await sessions.create({ userId: 'ada', n: 0 }).catch((error: unknown) => error);
      expect(proxy.lost).toBe(1);
      const listed = (await elsewhere.listFor('ada')).map(({ id }) => id);
      if (session instanceof Error) expect(session).toMatchObject({ code: 'STORE_UNAVAILABLE' });
      else expect(session).toMatchObject({ id: listed[0] });
      expect(await elsewhere.count()).toBe(listed.length);
    });
  });
});
