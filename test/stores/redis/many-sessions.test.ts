import { describe, expect, test } from 'vitest';
import { type RedisStore, redisStore } from '../../../src/stores/redis/index.js';
import { command, describeWithRedis, type RedisServer } from '../../support/services/redis.js';
import { changed, HOUR, record } from './records.js';
import { type NodeRedis, withServer } from './suite.js';

const MANY = 6_000;

describeWithRedis('rule 28: an account of thousands of sessions', () => {
  let server: RedisServer;
  let client: NodeRedis;
  let store: RedisStore;
  withServer(
    (one) => {
      ({ server, client } = one);
      store = redisStore(client);
    },
    { 'slowlog-log-slower-than': '0', 'slowlog-max-len': '100000' },
  );

  async function fill(
    changes: (index: number) => Partial<ReturnType<typeof record>> = () => ({}),
  ): Promise<ReturnType<typeof record>[]> {
    const start = Date.now() - MANY;
    const all = Array.from({ length: MANY }, (_, index) =>
      record({ ownerId: 'bot', createdAt: start + index, expiresAt: start + HOUR, ...changes(index) }),
    );
    for (let from = 0; from < MANY; from += 1_000)
      await Promise.all(all.slice(from, from + 1_000).map((each) => store.insert(each, HOUR)));
    return all;
  }

  /** The most members that a command on the index asked for. */
  async function mostMembers(call: () => Promise<unknown>): Promise<number> {
    await command(server, ['SLOWLOG', 'RESET']);
    await call();
    const entries: unknown = await command(server, ['SLOWLOG', 'GET', '-1']);
    if (!Array.isArray(entries)) throw new Error('SLOWLOG answers a list');
    const ranges = entries
      .map((entry) => String(entry[3]).split(','))
      .filter(([name, key]) => /zrange/i.test(name ?? '') && key?.includes(':o:'));
    expect(ranges.length).toBeGreaterThan(0);
    return Math.max(...ranges.map(([, , first, last]) => Number(last) - Number(first) + 1));
  }

  test.each(['deny', 'evict-oldest'] as const)(
    'a login with a limit (%s) reads at most the limit and 1,000 members',
    async (onLimit) => {
      const all = await fill();
      const login = record({ ownerId: 'bot' });
      const limit = { max: 5, onLimit, now: Date.now() };
      expect(await mostMembers(() => store.insertWithin(login, HOUR, limit))).toBeLessThanOrEqual(1_005);
      const left = await store.listByOwner('bot');
      expect(left).toHaveLength(onLimit === 'deny' ? MANY : 5);
      if (onLimit === 'evict-oldest') {
        const expected = [...all.slice(-4), login].map(({ id }) => id);
        expect(left.map(({ id }) => id).toSorted()).toEqual(expected.toSorted());
      }
    },
  );

  test('trimOwner finds the newest sessions, whatever the order of their deadlines', async () => {
    const all = await fill((index) => ({ expiresAt: Date.now() + HOUR + ((index * 7_919) % MANY) * 1_000 }));
    const keep = all[0]?.id ?? '';
    const ended = await store.trimOwner('bot', { max: 4, now: Date.now(), keep });
    expect(ended).toHaveLength(MANY - 4);
    const left = (await store.listByOwner('bot')).map(({ id }) => id);
    expect(left.toSorted()).toEqual([keep, ...all.slice(-3).map(({ id }) => id)].toSorted());
  });

  test('expired sessions that the index still has make room and are removed', async () => {
    const now = Date.now();
    const all = await fill((index) => (index < MANY - 3 ? { expiresAt: now - 1 } : {}));
    await client.del(all.slice(0, MANY - 3).map(({ id }) => `ts:s:${id}`));
    const [login, last] = [record({ ownerId: 'bot' }), record({ ownerId: 'bot' })];
    expect(await store.insertWithin(login, HOUR, { max: 4, onLimit: 'deny', now })).toEqual({
      outcome: 'inserted',
      evicted: [],
    });
    await store.insert(last, HOUR);
    const ended = await store.trimOwner('bot', { max: 4, now, keep: last.id });
    expect(ended).toEqual([all.at(-3)?.id]);
    expect(await client.zCard((await client.keys('ts:o:*'))[0] ?? '')).toBe(4);
  });

  test('a limit as large as the account is kept exactly', async () => {
    await fill();
    const login = record({ ownerId: 'bot' });
    await store.insert(login, HOUR);
    expect(await store.trimOwner('bot', { max: MANY + 1, now: Date.now(), keep: login.id })).toEqual([]);
    expect(await store.trimOwner('bot', { max: MANY, now: Date.now(), keep: login.id })).toHaveLength(1);
    const denied = await store.insertWithin(record({ ownerId: 'bot' }), HOUR, {
      max: MANY,
      onLimit: 'deny',
      now: Date.now(),
    });
    expect(denied.outcome).toBe('limit-reached');
  });

  test('the next login ends the sessions that a dead process had selected', async () => {
    const all = Array.from({ length: 3 }, (_, index) => record({ ownerId: 'ada', createdAt: Date.now() - 3 + index }));
    for (const each of all) await store.insert(each, HOUR);
    const steps = store.steps.trimOwner('ada', { max: 1, now: Date.now(), keep: all[2]?.id ?? '' });
    const dying = redisStore(Object.assign(Object.create(client), { sendCommand: dieAfterTrim(client) }));
    const died = dying.steps
      .trimOwner('ada', { max: 1, now: Date.now(), keep: all[2]?.id ?? '' })
      [Symbol.asyncIterator]();
    await expect(died.next()).rejects.toThrow('the process is dead');
    const ended: string[] = [];
    for await (const ids of steps) ended.push(...ids);
    expect(ended.toSorted()).toEqual(
      all
        .slice(0, 2)
        .map(({ id }) => id)
        .toSorted(),
    );
    expect(await store.listByOwner('ada')).toEqual([all[2]]);
  });
});

/** Sends all commands except those that end a session. */
function dieAfterTrim(client: NodeRedis) {
  return (args: string[], options?: object): Promise<unknown> => {
    if (args.some((each) => each.startsWith('ts:s:'))) return Promise.reject(new Error('the process is dead'));
    return client.sendCommand(args, options);
  };
}

describeWithRedis('rule 27: a session that got its owner later', () => {
  let client: NodeRedis;
  let store: RedisStore;
  withServer((one) => {
    client = one.client;
    store = redisStore(client);
  });

  /**
   * Bob's session, which ann's index also has, because a write that gave it to ann came too late.
   */
  async function misfiled() {
    const session = record();
    await store.insert(session, HOUR);
    const bobs = changed(session, { ownerId: 'bob' });
    expect(await store.replace(bobs, session.version, HOUR)).toBe('replaced');
    expect(await store.replace(changed(session, { ownerId: 'ann' }), session.version, HOUR)).toBe('conflict');
    const decoy = record({ ownerId: 'ann' });
    await store.insert(decoy, HOUR);
    await store.delete(decoy.id);
    const anns = changed(session, { ownerId: 'ann' });
    await client.zAdd(`ts:o:${await ownerKey('ann')}`, {
      score: anns.expiresAt,
      value: `${anns.createdAt}:${anns.id}`,
    });
    return bobs;
  }
  const ownerKey = async (owner: string) => {
    const { createHash } = await import('node:crypto');
    return createHash('sha256').update(owner, 'utf16le').digest('base64url');
  };

  describe('is not a session of the account whose index only names it:', () => {
    test('it is not listed there', async () => {
      const session = await misfiled();
      expect(await store.listByOwner('ann')).toEqual([]);
      expect(await store.listByOwner('bob')).toEqual([session]);
    });

    test('it is not ended there', async () => {
      const session = await misfiled();
      expect(await store.deleteByOwner('ann')).toEqual([]);
      expect(await store.find(session.id)).toEqual(session);
    });

    test('it does not count there, and is not evicted there', async () => {
      const session = await misfiled();
      const login = record({ ownerId: 'ann', createdAt: Date.now() + 1 });
      expect(await store.insertWithin(login, HOUR, { max: 1, onLimit: 'deny', now: Date.now() })).toEqual({
        outcome: 'inserted',
        evicted: [],
      });
      await store.trimOwner('ann', { max: 1, now: Date.now(), keep: login.id });
      expect(await store.find(session.id)).toEqual(session);
      expect(await store.deleteByOwner('bob')).toEqual([session.id]);
    });
  });
});
