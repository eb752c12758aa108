import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type RedisClient, redisStore } from '../../../src/stores/redis/index.js';
import { changed, HOUR, record } from './records.js';

type Answer = (command: readonly string[]) => unknown;

/** A fake client of node-redis, whose replies the test decides. */
function fakeClient(answer: Answer): RedisClient & EventEmitter {
  const subscriber = {
    subscribe: async () => undefined,
    unsubscribe: async () => undefined,
    connect: async () => undefined,
  };
  return Object.assign(new EventEmitter(), {
    isOpen: true,
    isReady: true,
    ...subscriber,
    destroy: () => undefined,
    duplicate: () => fakeClient(answer),
    sendCommand: async (command: string[]) => (command[0] === 'info' ? 'redis_version:7.0.0' : answer(command)),
  });
}

describe('replies of a type that the command does not have', () => {
  const limit = { max: 1, onLimit: 'deny', now: 0 } as const;
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a number', 1.5],
    ['bytes', Buffer.from('x')],
    ['an object', {}],
    ['a list of lists', [[]]],
  ])('%s: causes an error, never a session or its absence', async (_what, reply) => {
    const store = redisStore(fakeClient(() => reply));
    const session = record({ ownerId: 'ada' });
    const ids = [session.id, record().id];
    const uses = [
      store.find(session.id),
      store.replace(session, session.version, HOUR),
      store.insert(session, HOUR),
      store.insertWithin(session, HOUR, limit),
      store.listByOwner('ada'),
      store.deleteByOwner('ada'),
      store.findMany(ids),
      store.count(),
      store.clear(),
    ];
    for (const outcome of await Promise.allSettled(uses)) expect(outcome.status).toBe('rejected');
  });

  test('a list of the wrong length is an error, not an answer about some ids', async () => {
    const store = redisStore(fakeClient(([name]) => (name === 'mget' ? [] : 0)));
    await expect(store.findMany([record().id, record().id])).rejects.toThrow(/an unexpected type/);
  });

  test('an unknown outcome of a script is INVALID_DATA', async () => {
    const store = redisStore(fakeClient(() => 'something'));
    await expect(store.replace(record(), 'v', HOUR)).rejects.toMatchObject({ code: 'INVALID_DATA' });
  });
});

describe('an index that repeatedly asks for more', () => {
  test('does not make a write loop', async () => {
    const store = redisStore(fakeClient(([, , , key]) => (key?.startsWith('ts:o:') ? [] : 'index-first')));
    for (const session of [record({ ownerId: 'ada' }), record()]) {
      expect(await store.replace(changed(session), session.version, HOUR)).toBe('conflict');
    }
  });

  test('makes a login fail in the end', async () => {
    let looks = 0;
    const answer: Answer = ([name, ...args]) => {
      if (name === 'set') return 'OK';
      if (name !== 'evalsha') return null;
      looks += 1;
      return args[2]?.startsWith('ts:o:') ? ['unsure', [`1:${record().id}`]] : 0;
    };
    const login = redisStore(fakeClient(answer)).insertWithin(record({ ownerId: 'ada' }), HOUR, {
      max: 1,
      onLimit: 'deny',
      now: 0,
    });
    await expect(login).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      cause: expect.objectContaining({ message: expect.stringContaining('changed too often') }),
    });
    expect(looks).toBeLessThan(1_010);
  });
});

describe('errors of the server', () => {
  test('are passed on by every verb', async () => {
    const store = redisStore(
      fakeClient(() => {
        throw new Error('LOADING Redis is loading the dataset in memory');
      }),
    );
    const session = record();
    const uses = [
      store.find(session.id),
      store.findMany([session.id]),
      store.replace(session, 'v', HOUR),
      store.insert(session, HOUR),
      store.delete(session.id),
      store.count(),
    ];
    for (const outcome of await Promise.allSettled(uses)) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { message: 'LOADING Redis is loading the dataset in memory' },
      });
    }
  });

  test('a session with an unreadable owner is ended', async () => {
    const store = redisStore(fakeClient(() => ['1', '"damaged']));
    expect(await store.delete(record().id)).toBe(true);
  });

  test('the version is asked for again after a lost answer', async () => {
    let asked = 0;
    const client = Object.assign(
      fakeClient(() => null),
      {
        sendCommand: async (command: string[]) => {
          if (command[0] !== 'info') return null;
          asked += 1;
          if (asked < 3) throw new Error('Socket closed unexpectedly');
          return 'redis_version:7.0.0';
        },
      },
    );
    const store = redisStore(client);
    for (let i = 0; i < 2; i += 1) await expect(store.find(record().id)).rejects.toThrow(/Socket closed/);
    for (let i = 0; i < 3; i += 1) expect(await store.find(record().id)).toBeNull();
    expect(asked).toBe(3);
  });
});

describe('a lost connection for notifications', () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  test('is opened again with growing pauses, until it works or the last listener leaves', async () => {
    vi.useFakeTimers();
    // The longest pauses that the random part can give.
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const tries: number[] = [];
    let fails = 0;
    let newest = new EventEmitter();
    const client = Object.assign(
      fakeClient(() => null),
      {
        duplicate: () => {
          tries.push(Date.now());
          const fake = Object.assign(
            fakeClient(() => null),
            {
              connect: async () => {
                if (fails > 0) throw new Error('refused');
              },
            },
          );
          newest = fake;
          return fake;
        },
      },
    );
    const store = redisStore(client);
    let gaps = 0;
    const stop = await store.subscribe?.({
      ended: () => undefined,
      gap: () => {
        gaps += 1;
      },
    });
    expect(tries).toHaveLength(1);
    fails = 1;
    Object.assign(newest, { isOpen: false });
    newest.emit('error');
    newest.emit('error');
    await vi.advanceTimersByTimeAsync(60_000);
    const pauses = tries.slice(1).map((at, i) => at - (tries[i] ?? 0));
    expect(pauses.slice(0, 9)).toEqual([50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    expect(gaps).toBe(1);
    fails = 0;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(gaps).toBe(2);
    const before = tries.length;
    fails = 1;
    Object.assign(newest, { isOpen: false });
    newest.emit('error');
    await vi.advanceTimersByTimeAsync(60);
    expect(tries.length).toBe(before + 1);
    await stop?.();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(tries.length).toBe(before + 1);
    expect(gaps).toBe(3);
  });
});
