import { describe, expect, test } from 'vitest';
import { newVersion } from '../../src/core/record/token.js';
import { byChance, takeTurns } from '../support/turns.js';
import { setUp, TOKEN, type Turn } from './legacy-support.js';

/** The calls of an undisturbed migration. */
const STEPS = ['find', 'read old', 'insert', 'read old', 'replace', 'remove old', 'replace'];

/**
 * Checks each session after a first request with any outcome, when the client returns, and after
 * its logout.
 */
async function comesBack({ request, old, sessions }: ReturnType<typeof setUp>): Promise<void> {
  const again = await request(TOKEN);
  expect(again.session?.data).toEqual({ userId: 'ann', views: 2 });
  expect(old.sessions.size).toBe(0);
  expect((await request(again.offered ?? '')).session).not.toBeNull();
  await again.session?.destroy();
  for (const token of [TOKEN, again.offered ?? '']) expect((await request(token)).session).toBeNull();
  expect(await sessions.count()).toBe(0);
}

test('a migration is seven calls, and a later request with the old token is one', async () => {
  const { open, request, login } = setUp();
  login();
  const steps: string[] = [];
  const sessions = open({}, async (step) => void steps.push(step));
  await request(TOKEN, sessions);
  expect(steps.splice(0)).toEqual(STEPS);
  await request(TOKEN, sessions);
  expect(steps).toEqual(['find']);
});

describe.each(STEPS.map((step, index) => [index + 1, step] as const))('a request whose call %i (%s)', (number) => {
  test('is the last of its process costs no user the session', async () => {
    const all = setUp();
    all.login();
    const dies = async (turn: Turn) => void (await all.request(TOKEN, all.open({}, turn)));
    let steps = 0;
    await takeTurns([dies], () => {
      steps += 1;
      return steps < number ? 0 : undefined;
    });
    await comesBack(all);
  });

  test('fails is 503, and costs no user the session', async () => {
    const all = setUp();
    all.login();
    let steps = 0;
    const failing = all.open({}, async () => {
      steps += 1;
      if (steps >= number) throw new Error('down');
    });
    await expect(all.request(TOKEN, failing)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await comesBack(all);
  });

  test('alone fails is no logout, and costs no user the session', async () => {
    const all = setUp();
    all.login();
    let steps = 0;
    const failing = all.open({}, async () => {
      steps += 1;
      if (steps === number) throw new Error('down');
    });
    // An insert whose answer is lost is looked up, and repeated by a later request.
    const outcome = await all.request(TOKEN, failing).catch((error: unknown) => error);
    if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    else expect(outcome).toMatchObject({ session: { data: { userId: 'ann' } } });
    await comesBack(all);
  });

  test('is done but not answered costs no user the session', async () => {
    const all = setUp();
    all.login();
    let steps = 0;
    // The next call would look up the outcome. It fails, so the answer is lost.
    const { store } = all;
    const lose = <Result>(result: Promise<Result>): Promise<Result> => {
      steps += 1;
      return steps >= number ? result.then(() => Promise.reject(new Error('reset'))) : result;
    };
    const losing = all.openOn(
      {
        insert: (record, ttl) => lose(store.insert(record, ttl)),
        find: (id) => lose(store.find(id)),
        replace: (record, version, ttl) => lose(store.replace(record, version, ttl)),
        delete: (id) => lose(store.delete(id)),
      },
      { read: (run) => lose(run()), remove: (run) => lose(run()) },
    );
    await expect(all.request(TOKEN, losing)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await comesBack(all);
  });
});

test('processes that die at any point, one after the other, cost no user the session', async () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const all = setUp();
    all.login();
    const chance = byChance(seed);
    for (let process = 0; process < 6; process += 1) {
      const dies = async (turn: Turn) => void (await all.request(TOKEN, all.open({}, turn)));
      const twelve = Array.from({ length: 12 }, () => ({ actor: 0, step: '' }));
      let left = chance(twelve) ?? 0;
      await takeTurns([dies, dies], (waiting) => {
        left -= 1;
        return left < 0 ? undefined : chance(waiting);
      });
    }
    await comesBack(all);
  }
});

test('a session that others end while it moves is anonymous', async () => {
  const all = setUp();
  all.login();
  const { store } = all;
  const sessions = all.openOn(
    {
      insert: (record, ttl) => store.insert(record, ttl),
      find: (id) => store.find(id),
      replace: async ({ id }) => {
        await store.delete(id);
        return 'gone';
      },
      delete: (id) => store.delete(id),
    },
    { read: (run) => run(), remove: (run) => run() },
  );
  const { session, offered } = await all.request(TOKEN, sessions);
  expect([session, offered]).toEqual([null, null]);
});

test('a store that is not atomic, and always has another copy, makes the request start over five times at most', async () => {
  const all = setUp();
  all.login();
  const { store } = all;
  let reads = 0;
  const other = (text: string): string => text.replace(/"m":\["[^"]+"/, `"m":["${newVersion()}"`);
  const sessions = all.openOn(
    {
      insert: (record, ttl) => store.insert(record, ttl),
      find: async (id) => {
        reads += 1;
        const record = await store.find(id);
        return record && { ...record, version: newVersion(), body: other(record.body) };
      },
      replace: async () => 'conflict',
      delete: (id) => store.delete(id),
    },
    { read: (run) => run(), remove: (run) => run() },
  );
  expect((await all.request(TOKEN, sessions)).session).toBeNull();
  // One to look for the session, and two in each round: before the write, and after its failure.
  expect(reads).toBe(1 + 2 * 5);
  expect(all.old.sessions.size).toBe(1);
});
