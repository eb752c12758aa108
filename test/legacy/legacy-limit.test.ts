import { expect, test } from 'vitest';
import type { memoryStore, SessionStore } from '../../src/index.js';
import { gate } from '../support/gate.js';
import { DAY, setUp, TOKEN } from './legacy-support.js';

/**
 * A store that inserts first and then asks the limit, as those on servers do. Others see a session
 * before it is admitted, with a deadline of five minutes.
 */
function inTwoSteps(inner: ReturnType<typeof memoryStore>, beforeAdmission: () => Promise<void>): SessionStore {
  return {
    insert: (record, ttl) => inner.insert(record, ttl),
    find: (id) => inner.find(id),
    replace: (record, version, ttl) => inner.replace(record, version, ttl),
    delete: (id) => inner.delete(id),
    listByOwner: (ownerId) => inner.listByOwner(ownerId),
    deleteByOwner: (ownerId, except) => inner.deleteByOwner(ownerId, except),
    async insertWithin(record, ttl, { max, now }) {
      const outcome = await inner.insert({ ...record, expiresAt: now + 300_000 }, ttl);
      if (outcome === 'exists') return { outcome, evicted: [] };
      await beforeAdmission();
      const isThere = (await inner.find(record.id)) !== null;
      if (isThere && (await inner.listByOwner(record.ownerId ?? '')).length <= max) {
        await inner.replace(record, record.version, ttl);
        return { outcome, evicted: [] };
      }
      await inner.delete(record.id);
      return { outcome: 'limit-reached', evicted: [] };
    },
  };
}

/** Two processes get a request with one old token. The first has inserted the copy, and waits. */
async function setUpTwo(setUpOthers: (sessions: ReturnType<typeof openPlain>) => Promise<unknown>) {
  const world = setUp();
  const sessions = openPlain(world);
  await setUpOthers(sessions);
  world.login();
  const [inserted, admission] = [gate(), gate()];
  const waiting = inTwoSteps(world.store, () => {
    inserted.open();
    return admission.opened;
  });
  const around = { read: run, remove: run };
  const options = { ownerOf: OWNER, maxPerOwner: { max: 1, onLimit: 'deny' } } as const;
  const first = world.openOn(waiting, around, options);
  const second = world.openOn(
    inTwoSteps(world.store, async () => undefined),
    around,
    options,
  );
  const answer = world.request(TOKEN, first).catch((error: unknown) => error);
  await inserted.opened;
  return { ...world, sessions, first: { answer, goOn: () => admission.open() }, second };
}

const OWNER = (data: { userId: string }) => data.userId;

function openPlain(world: ReturnType<typeof setUp>) {
  return world.openOn(world.store, { read: run, remove: run }, { ownerOf: OWNER });
}

function run<Result>(call: () => Promise<Result>): Promise<Result> {
  return call();
}

test('rule 27: of two requests with an old token that the limit denies, none removes the old session', async () => {
  const { old, request, sessions, first, second } = await setUpTwo((all) => all.create({ userId: 'ann' }));
  await expect(request(TOKEN, second)).rejects.toMatchObject({ code: 'LIMIT_REACHED' });
  first.goOn();
  expect(await first.answer).toMatchObject({ code: 'LIMIT_REACHED' });
  expect([...old.sessions.keys()]).toEqual([TOKEN]);
  expect(await sessions.listFor('ann')).toHaveLength(1);
});

test('of two requests with an old token, both are served, and the session keeps its full time', async () => {
  const { old, request, sessions, first, second, clock } = await setUpTwo(async () => undefined);
  expect((await request(TOKEN, second)).session?.data.userId).toBe('ann');
  first.goOn();
  expect(await first.answer).toMatchObject({ session: { data: { userId: 'ann' } } });
  expect([...old.sessions.keys()]).toEqual([]);
  const [moved] = await sessions.listFor('ann');
  expect(moved?.expiresAt).toBe(clock.now + 7 * DAY);
});
