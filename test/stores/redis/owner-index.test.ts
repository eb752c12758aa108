import { expect, test } from 'vitest';
import { isSessionError } from '../../../src/core/error.js';
import { type RedisStore, redisStore } from '../../../src/stores/redis/index.js';
import { command, describeWithRedis, type RedisServer } from '../../support/services/redis.js';
import { hooked } from './interleave.js';
import { changed, HOUR, record } from './records.js';
import { type NodeRedis, withServer } from './suite.js';

const DAY = 24 * HOUR;

describeWithRedis("an owner's index", () => {
  let server: RedisServer;
  let client: NodeRedis;
  let store: RedisStore;
  withServer((one) => {
    ({ server, client } = one);
    store = redisStore(client);
  });

  const indexKey = async () => (await client.keys('ts:o:*'))[0] ?? '';
  const indexSize = async () => client.zCard(await indexKey());

  test("stays as large as the account's sessions, through cycles of logins and logouts", async () => {
    const kept = record({ ownerId: 'ada' });
    await store.insert(kept, HOUR);
    for (let batch = 0; batch < 20; batch += 1) {
      const sessions = Array.from({ length: 100 }, () => record({ ownerId: 'ada' }));
      await Promise.all(sessions.map((each) => store.insert(each, HOUR)));
      expect(await indexSize()).toBe(101);
      await Promise.all(sessions.map((each) => store.delete(each.id)));
      expect(await indexSize()).toBe(1);
    }
    expect(await store.listByOwner('ada')).toEqual([kept]);
    await store.delete(kept.id);
    expect(await client.dbSize()).toBe(0);
  });

  test('loses expired sessions when others log in', async () => {
    const now = Date.now();
    const runOut = Array.from({ length: 20 }, () =>
      record({ ownerId: 'ada', createdAt: now - HOUR, expiresAt: now + 1 }),
    );
    for (const each of runOut) await store.insert(each, 1);
    await expect.poll(() => store.count()).toBe(0);
    const alive = [record({ ownerId: 'ada', createdAt: now + 10 }), record({ ownerId: 'ada', createdAt: now + 10 })];
    for (const each of alive) await store.insert(each, HOUR);
    for (let size = 20; size > 2; ) {
      const login = record({ ownerId: 'ada', createdAt: now + 10 });
      await store.insert(login, HOUR);
      await expect.poll(() => indexSize()).toBeLessThan(size + 1);
      await store.delete(login.id);
      size = await indexSize();
    }
    expect(await store.listByOwner('ada')).toHaveLength(2);
  });

  test('loses ended sessions when it is listed', async () => {
    const sessions = [record({ ownerId: 'ada' }), record({ ownerId: 'ada' })];
    for (const each of sessions) await store.insert(each, HOUR);
    await client.del(`ts:s:${sessions[0]?.id}`);
    expect(await store.listByOwner('ada')).toEqual([sessions[1]]);
    await expect.poll(() => indexSize()).toBe(1);
  });

  test('keeps a session whose use moves its deadline, however long it is used', async () => {
    const start = Date.now();
    let session = record({ ownerId: 'ada', createdAt: start, expiresAt: start + DAY });
    await store.insert(session, DAY);
    for (let day = 0.5; day < 30; day += 0.5) {
      const expiresAt = start + (day + 1) * DAY;
      const next = changed(session, { expiresAt });
      expect(await store.replace(next, session.version, DAY)).toBe('replaced');
      session = next;
      // The server's clock has not moved, so scale the index's remaining time to the library's
      // clock.
      const left = (await client.pTTL(await indexKey())) - DAY;
      expect(left, `day ${day}`).toBeGreaterThan(0);
      await client.pExpire(await indexKey(), left + DAY - DAY / 2);
    }
    expect(await store.listByOwner('ada')).toEqual([session]);
  });

  test('is written again only occasionally, not at each use', async () => {
    const start = Date.now();
    let commands = 0;
    const counting = redisStore(
      hooked(client, () => {
        commands += 1;
      }),
    );
    let session = record({ ownerId: 'ada', createdAt: start, expiresAt: start + DAY });
    await counting.insert(session, DAY);
    commands = 0;
    // A touch every 15 minutes, for 10 days.
    for (let i = 1; i <= 960; i += 1) {
      const next = changed(session, { expiresAt: start + DAY + i * 15 * 60_000 });
      await counting.replace(next, session.version, DAY);
      session = next;
    }
    expect(commands).toBeLessThan(960 * 1.03);
  });

  test('every key has a TTL, even that of a session without limits', async () => {
    const forever = record({ ownerId: 'ada', expiresAt: 8.64e15 });
    await store.insert(record(), HOUR);
    await store.insert(record({ ownerId: 'eve' }), HOUR);
    await store.insert(forever, forever.expiresAt - Date.now());
    await store.insertWithin(record({ ownerId: 'joe' }), HOUR, { max: 1, onLimit: 'deny', now: Date.now() });
    const keys = await client.keys('*');
    expect(keys).toHaveLength(7);
    for (const key of keys) expect(await client.pTTL(key)).toBeGreaterThan(HOUR - 10_000);
    const [[indexOfForever] = []] = [
      (await Promise.all(keys.map(async (key) => [key, await client.pTTL(key)] as const))).filter(
        ([, ttl]) => ttl > 1e15,
      ),
    ];
    expect(indexOfForever).toBeDefined();
    expect(await store.replace(changed(forever), forever.version, forever.expiresAt - Date.now())).toBe('replaced');
  });

  test('owners with any text have separate indexes, whose names reveal nothing of the owner', async () => {
    const owners = [
      'a',
      'A',
      'a{b}',
      '{a}',
      'a}b{',
      'ts:o:a',
      '*',
      'é',
      'e\u0301',
      '\ud800',
      '\ud801',
      '\u0000',
      '\n',
      ' ',
      '"',
      '1\n',
      'x'.repeat(10_000),
      `${'x'.repeat(10_000)}y`,
    ];
    const sessions = new Map(owners.map((ownerId) => [ownerId, record({ ownerId })]));
    for (const session of sessions.values()) await store.insert(session, HOUR);
    for (const [owner, session] of sessions) expect(await store.listByOwner(owner)).toEqual([session]);
    for (const key of await client.keys('ts:o:*')) expect(key).toMatch(/^ts:o:[A-Za-z0-9_-]{43}$/);
    for (const [owner, session] of sessions) expect(await store.deleteByOwner(owner)).toEqual([session.id]);
    expect(await client.dbSize()).toBe(0);
  });

  test('an unreadable value is INVALID_DATA, never missing, and can be ended', async () => {
    const sessions = Array.from({ length: 4 }, () => record({ ownerId: 'ada' }));
    for (const each of sessions) await store.insert(each, HOUR);
    const [text, list, empty, good] = sessions.map(({ id }) => id);
    await client.set(`ts:s:${text}`, 'damaged');
    await client.set(`ts:s:${empty}`, '');
    await client.del(`ts:s:${list}`);
    await client.rPush(`ts:s:${list}`, 'x');
    for (const id of [text, list, empty]) {
      const error: unknown = await store.find(id ?? '').catch((reason: unknown) => reason);
      expect(isSessionError(error) && error.code).toBe('INVALID_DATA');
    }
    for (const id of [text, list]) {
      const write = store.replace(record({ id: id ?? '' }), 'v', HOUR).catch((reason: unknown) => reason);
      expect(await write).toMatchObject({ code: 'INVALID_DATA' });
      expect(await store.insert(record({ id: id ?? '' }), HOUR)).toBe('exists');
    }
    const ids = [text, list, empty, good, record().id].map((id) => id ?? '');
    const found = await store.findMany(ids);
    expect(found.map((each) => each?.body === '')).toEqual([true, true, true, false, false]);
    expect(found[4]).toBeNull();
    expect(await store.listByOwner('ada')).toHaveLength(4);
    expect((await store.deleteByOwner('ada')).toSorted()).toEqual(sessions.map(({ id }) => id).toSorted());
    expect(await client.dbSize()).toBe(0);
  });

  test('an index of the wrong type is an error, not an account without sessions', async () => {
    await store.insert(record({ ownerId: 'ada' }), HOUR);
    const key = await indexKey();
    await client.set(key, 'x');
    await expect(store.listByOwner('ada')).rejects.toThrow(/WRONGTYPE/);
    await expect(store.deleteByOwner('ada')).rejects.toThrow(/WRONGTYPE/);
    await expect(store.insert(record({ ownerId: 'ada' }), HOUR)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await command(server, ['DBSIZE'])).toBe(2);
  });

  test('an account of thousands of sessions is listed and ended', async () => {
    const sessions = Array.from({ length: 2_500 }, () => record({ ownerId: 'ada' }));
    await Promise.all(sessions.map((each) => store.insert(each, HOUR)));
    expect(await store.listByOwner('ada')).toHaveLength(2_500);
    expect(await store.deleteByOwner('ada', sessions[7]?.id)).toHaveLength(2_499);
    expect(await store.listByOwner('ada')).toEqual([sessions[7]]);
    expect(await indexSize()).toBe(1);
  });
});
