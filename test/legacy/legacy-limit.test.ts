import { expect, test } from 'vitest';
import type { memoryStore, SessionStore } from '../../src/index.js';
import { gate } from '../support/gate.js';
import { byChance, takeTurns } from '../support/turns.js';
import { DAY, guarded, setUp, TOKEN, type Turn } from './legacy-support.js';

/**
 * A store that inserts first and then asks the limit, as those on servers do. Others see a session
 * before it is admitted, with a deadline of five minutes.
 */
function inTwoSteps(inner: ReturnType<typeof memoryStore>, turn: Turn): SessionStore {
  return {
    ...guarded(inner, turn),
    async insertWithin(record, ttl, { max, now }) {
      await turn('insert');
      const outcome = await inner.insert({ ...record, expiresAt: now + 300_000 }, ttl);
      if (outcome === 'exists') return { outcome, evicted: [] };
      await turn('admit');
      const found = await inner.find(record.id);
      if (found && (await inner.listByOwner(record.ownerId ?? '')).length <= max) {
        await inner.replace(record, record.version, ttl);
        return { outcome, evicted: [] };
      }
      if (found?.version === record.version) await inner.delete(record.id);
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
  const waiting = inTwoSteps(world.store, async (step) => {
    if (step !== 'admit') return;
    inserted.open();
    await admission.opened;
  });
  const around = { read: run, remove: run };
  const first = world.openOn(waiting, around, LIMITED);
  const second = world.openOn(inTwoSteps(world.store, atOnce), around, LIMITED);
  const answer = world.request(TOKEN, first).catch((error: unknown) => error);
  await inserted.opened;
  return { ...world, sessions, first: { answer, goOn: () => admission.open() }, second };
}

const OWNER = (data: { userId: string }) => data.userId;
const LIMITED = { ownerOf: OWNER, maxPerOwner: { max: 1, onLimit: 'deny' } } as const;
const atOnce: Turn = async () => undefined;

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

test('rule 27: beside a login at the limit, no request with the old token is anonymous, in any order', async () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const world = setUp();
    world.login();
    const open = (turn: Turn) => {
      const around = {
        read: <Result>(call: () => Promise<Result>) => turn('read').then(call),
        remove: <Result>(call: () => Promise<Result>) => turn('remove').then(call),
      };
      return world.openOn(inTwoSteps(world.store, turn), around, LIMITED);
    };
    const codes: unknown[] = [];
    const visitor = async (turn: Turn) => {
      const { session } = await world.request(TOKEN, open(turn)).catch((error) => ({ session: error.code }));
      codes.push(session === null ? 'anonymous' : session);
    };
    const login = async (turn: Turn) => {
      await open(turn)
        .create({ userId: 'ann' })
        .catch(() => undefined);
    };
    const order = await takeTurns([visitor, visitor, login], byChance(seed));
    await visitor(atOnce);
    expect({ order, anonymous: codes.filter((code) => code === 'anonymous') }).toEqual({ order, anonymous: [] });
  }
});
