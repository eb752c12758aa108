import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { Redis } from 'ioredis';
import { createClient, createClientPool, createCluster } from 'redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isSessionError } from '../../../src/core/error.js';
import { type RedisClient, type RedisStoreOptions, redisStore } from '../../../src/stores/redis/index.js';
import { command, describeWithRedis, type RedisServer, startRedis } from '../../support/services/redis.js';
import { openNodeRedis } from './clients.js';
import { HOUR, record } from './records.js';

const unconnected = () => createClient().on('error', () => undefined);

describe('options that are refused at construction', () => {
  test.each(['', ' ', 'a b', 'a\n', '\u0000', '{a}:', 'a{', 'a}', '\ud800', 'a'.repeat(129), 7, null])(
    'prefix %j',
    (prefix) => {
      const error = caught(() => redisStore(unconnected(), Object.assign<RedisStoreOptions, object>({}, { prefix })));
      expect(isSessionError(error) && error.code).toBe('INVALID_OPTION');
      expect(String(error)).toMatch(/prefix must be 1 to 128 visible characters/);
    },
  );

  test('prefixes with characters that have a meaning in patterns are allowed', () => {
    for (const prefix of ['a', 'ts:', '*?[a-z]\\^', 'straße:'])
      expect(redisStore(unconnected(), { prefix })).toBeDefined();
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a function', () => undefined],
    ['a URL', 'redis://localhost'],
    ['options', { url: 'redis://localhost' }],
    ['the callback interface of node-redis', unconnected().legacy()],
    ['a transaction of node-redis', unconnected().multi()],
    ['a pipeline of ioredis', pipeline()],
    ['another client', { get: async () => null, set: async () => 'OK', customCommand: async () => null }],
  ])('a client of another kind: %s', (_what, client) => {
    // @ts-expect-error: the types refuse these clients as well.
    const wrong: RedisClient = client;
    const error = caught(() => redisStore(wrong));
    expect(isSessionError(error) && error.code).toBe('INVALID_OPTION');
    expect(String(error)).toMatch(
      /client must be a client of node-redis 5 or later .* ioredis 5, iovalkey or @upstash\/redis/,
    );
  });

  test('a subscriber of another kind', () => {
    for (const subscriber of [true, {}, createClientPool()]) {
      const error = caught(() =>
        redisStore(unconnected(), Object.assign<RedisStoreOptions, object>({}, { subscriber })),
      );
      expect(isSessionError(error) && error.code).toBe('INVALID_OPTION');
      expect(String(error)).toMatch(/subscriber must be false or a client/);
    }
  });

  test('a client of ioredis that reads from a replica, or whose prefix is not text', () => {
    const replica = new Redis({ role: 'slave', sentinels: [{ port: 1 }], name: 'x', lazyConnect: true });
    for (const client of [replica, new Redis(bufferPrefix())]) {
      const error = caught(() => redisStore(client));
      client.disconnect();
      expect(isSessionError(error) && error.code).toBe('INVALID_OPTION');
    }
  });
});

describe('the first use', () => {
  let stub: Server | undefined;
  afterEach(() => void stub?.close());

  /** A server that answers every command except `INFO` with OK. */
  async function stubServer(info: string): Promise<number> {
    stub = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        for (const name of chunk.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
          socket.write(name[1]?.toLowerCase() === 'info' ? info : '+OK\r\n');
        }
      });
    }).listen(0, '127.0.0.1');
    await once(stub, 'listening');
    const address = stub.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;

  test.each([
    ['6.0.16', 'NOT_SUPPORTED'],
    ['5.9.9', 'NOT_SUPPORTED'],
    ['6.2.0', undefined],
    ['7.2.4', undefined],
    ['10.0.0', undefined],
  ])('checks a server of version %s: %s', async (version, code) => {
    const port = await stubServer(bulk(`# Server\r\nredis_version:${version}\r\n`));
    const client = await openNodeRedis(`redis://127.0.0.1:${port}`);
    const store = redisStore(client);
    const answers = await Promise.allSettled([store.insert(record(), HOUR), store.insert(record(), HOUR)]);
    client.destroy();
    for (const answer of answers) {
      const reason: unknown = answer.status === 'rejected' ? answer.reason : undefined;
      expect(isSessionError(reason) ? reason.code : undefined).toBe(code);
      if (code)
        expect(String(reason)).toContain(
          `redisStore needs Redis 6.2 or newer, or Valkey, but the server is ${version.split('.').slice(0, 2).join('.')}`,
        );
    }
  });

  test('accepts a server that does not report its version', async () => {
    for (const info of [
      "-NOPERM this user has no permissions to run the 'info' command\r\n",
      '-ERR unknown command\r\n',
      bulk('# Server\r\n'),
    ]) {
      const port = await stubServer(info);
      const client = await openNodeRedis(`redis://127.0.0.1:${port}`);
      expect(await redisStore(client).insert(record(), HOUR)).toBe('inserted');
      client.destroy();
      stub?.close();
    }
  });

  test.each<[string, () => Promise<RedisClient>]>([
    ['node-redis, never connected', async () => unconnected()],
    ['a pool of node-redis, never connected', async () => createClientPool()],
    ['a cluster of node-redis, never connected', async () => createCluster({ rootNodes: [] })],
    ['ioredis, ended', async () => ended(new Redis({ lazyConnect: true }))],
  ])('refuses a closed client: %s', async (_name, open) => {
    const store = redisStore(await open());
    for (const use of [
      store.find(record().id),
      store.insert(record({ ownerId: 'ada' }), HOUR),
      store.count(),
      store.delete(record().id),
    ]) {
      const error: unknown = await use.catch((reason: unknown) => reason);
      expect(isSessionError(error) && error.code).toBe('STORE_UNAVAILABLE');
      expect(String(error)).toMatch(
        /the Redis client is closed: connect it before|failed before the session was complete/,
      );
    }
  });
});

describeWithRedis('a real server', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  beforeEach(async () => void (await command(server, ['FLUSHDB'])));
  afterAll(() => server.stop());

  test('refuses a client that its owner has closed', async () => {
    const client = await openNodeRedis(server.url);
    const store = redisStore(client);
    await store.insert(record(), HOUR);
    client.destroy();
    const error: unknown = await store.find(record().id).catch((reason: unknown) => reason);
    expect(isSessionError(error) && error.code).toBe('STORE_UNAVAILABLE');
  });

  test('stores with different prefixes on one server do not see each other, whatever the prefixes', async () => {
    const client = await openNodeRedis(server.url);
    const prefixes = ['ts:', 'ts', 't', 'ts:s:', 't?:', '*', 'TS:', 'ts:o:'];
    const stores = prefixes.map((prefix) => redisStore(client, { prefix }));
    for (const store of stores) await store.insert(record({ ownerId: 'ada' }), HOUR);
    for (const store of stores) {
      expect(await store.count()).toBe(1);
      expect(await store.listByOwner('ada')).toHaveLength(1);
    }
    for (const [i, store] of stores.entries()) {
      await store.clear();
      expect(await command(server, ['DBSIZE'])).toBe(2 * (stores.length - i - 1));
    }
    client.destroy();
  });

  test('foreign keys that begin with the prefix are left alone', async () => {
    const client = await openNodeRedis(server.url);
    const store = redisStore(client);
    const foreign = [
      'ts:s:',
      'ts:s:me',
      `ts:s:${'x'.repeat(36)}`,
      'ts:s:????????-????-????-????-????????????',
      'ts:o:short',
      'ts:x',
    ];
    for (const key of foreign) await client.set(key, 'value');
    await store.insert(record({ ownerId: 'ada' }), HOUR);
    expect(await store.count()).toBe(1);
    await store.clear();
    expect(await client.exists(foreign)).toBe(foreign.length);
    client.destroy();
  });

  test('a user who may not publish or ask for the version can end sessions', async () => {
    await command(server, ['ACL', 'SETUSER', 'web', 'on', '>secret', '~ts:*', 'resetchannels', '+@all', '-info']);
    const client = await openNodeRedis(`redis://web:secret@127.0.0.1:${server.port}`);
    const store = redisStore(client);
    const session = record({ ownerId: 'ada' });
    await store.insert(session, HOUR);
    expect(await store.delete(session.id)).toBe(true);
    expect(await store.find(session.id)).toBeNull();
    client.destroy();
  });
});

function pipeline(): unknown {
  const client = new Redis({ lazyConnect: true });
  const chain = client.pipeline();
  client.disconnect();
  return chain;
}

function bufferPrefix(): { readonly lazyConnect: true } {
  return Object.assign({ lazyConnect: true } as const, { keyPrefix: Buffer.from('a') });
}

async function ended(client: Redis): Promise<Redis> {
  client.disconnect();
  await expect.poll(() => client.status).toBe('end');
  return client;
}

function caught(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
