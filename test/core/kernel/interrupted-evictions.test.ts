import { expect, test } from 'vitest';
import { createSessions, memoryStore, type SessionStore, type StoreSteps } from '../../../src/index.js';

const ownerOf = ({ user }: { user: string }) => user;

/** A store that fails after the first step of an eviction, once `fails` is set. */
function interrupted(verbs: readonly PropertyKey[]) {
  const state = { fails: false };
  const inner = memoryStore();
  const { steps } = inner;
  async function* cut<Step>(all: AsyncIterable<Step>): AsyncGenerator<Step> {
    for await (const step of all) {
      yield step;
      if (state.fails && hasIds(step)) throw new Error('the connection was lost');
    }
  }
  const cutSteps: StoreSteps = {
    ...steps,
    insertWithin: (record, ttl, limit) => cut(steps.insertWithin?.(record, ttl, limit) ?? none()),
    trimOwner: (owner, trim) => cut(steps.trimOwner?.(owner, trim) ?? none()),
  };
  const hidden = ['insertWithin', 'trimOwner'].filter((verb) => !verbs.includes(verb));
  const store: SessionStore = new Proxy(inner, {
    get(target, name) {
      if (hidden.includes(String(name))) return undefined;
      const member: unknown = name === 'steps' ? cutSteps : Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  return { store, state };
}

/** Whether a step has ended sessions. */
function hasIds(step: unknown): boolean {
  const ids: unknown = Array.isArray(step) ? step : Reflect.get(Object(step), 'evicted');
  return Array.isArray(ids) && ids.length > 0;
}

async function* none(): AsyncGenerator<never> {}

/** 1,200 sessions of an account, and a limit of one that comes later. */
async function setUp(verbs: readonly PropertyKey[]) {
  const { store, state } = interrupted(verbs);
  const before = createSessions<{ user: string }>({ store, ownerOf });
  for (let made = 0; made < 1_200; made += 1) await before.create({ user: 'ada' });
  const { token, id } = await before.create({ user: 'ada' });
  const sessions = createSessions({ store, ownerOf, maxPerOwner: { max: 1, onLimit: 'evict-oldest' } });
  const events: [name: string, id: string, reason?: string][] = [];
  for (const name of ['created', 'evicted'] as const) sessions.on(name, (event) => events.push([name, event.id]));
  sessions.on('destroyed', (event) => events.push(['destroyed', event.id, event.reason]));
  state.fails = true;
  const count = async () => (await before.listFor('ada')).length;
  return { sessions, token, id, events, count };
}

test('rule 28: each session that a login has ended has its event, although a later step fails', async () => {
  const { sessions, token, events, count } = await setUp(['insertWithin', 'trimOwner']);
  const context = await sessions.fromToken(token);
  await expect(context.sessions.create({ user: 'ada' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  const evicted = events.filter(([name]) => name === 'evicted');
  expect(evicted.length).toBeGreaterThan(0);
  expect(await count()).toBe(1_201 - evicted.length);
  expect(events).toEqual(evicted);
});

test('rule 6: a login whose evictions fail leaves the user the session that they had', async () => {
  const { sessions, token, id } = await setUp(['insertWithin', 'trimOwner']);
  const context = await sessions.fromToken(token);
  await expect(context.sessions.create({ user: 'ada' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(context.sessions.current?.id).toBe(id);
  expect((await sessions.fromToken(token)).session?.id).toBe(id);
});

test('rule 28: each session that an insert has evicted has its event, although a later step fails', async () => {
  const { sessions, events, count } = await setUp(['insertWithin']);
  await expect(sessions.create({ user: 'ada' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(events.length).toBeGreaterThan(0);
  expect(events.every(([name]) => name === 'evicted')).toBe(true);
  // This store does not take the new record back.
  expect(await count()).toBe(1_202 - events.length);
});
