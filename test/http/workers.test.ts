import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createSessions } from '../../src/index.js';
import { countingStore } from '../support/counting-store.js';

interface Data {
  userId: string;
  views: number;
}

/** Cloudflare Workers never answer the store calls of a request whose client has left. */
function setUp() {
  const store = countingStore();
  const sessions = createSessions<Data>({ store, ownerOf: ({ userId }) => userId });
  const open = async (token: string) => {
    const { session } = await sessions.fromToken(token);
    if (!session) throw new Error('the token opens no session');
    return session;
  };
  return { store, sessions, open };
}

const visit = (data: Data) => {
  data.views += 1;
};

describe('on Cloudflare Workers', () => {
  beforeEach(() => void vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' }));
  afterEach(() => void vi.unstubAllGlobals());

  test('a write of another request that is never answered does not block other writes', async () => {
    const { store, sessions, open } = setUp();
    const { token } = await sessions.create({ userId: 'ada', views: 0 });
    store.before = (verb) => (verb === 'replace' ? new Promise(() => undefined) : undefined);
    const lost = (await open(token)).update(visit);
    lost.catch(() => undefined);
    await vi.waitFor(() => expect(store.calls.replace).toBe(1));
    store.before = undefined;
    expect((await (await open(token)).update(visit)).views).toBe(1);
  });

  test('the writes of one request are still joined', async () => {
    const { store, sessions, open } = setUp();
    const { token } = await sessions.create({ userId: 'ada', views: 0 });
    const session = await open(token);
    await Promise.all([session.update(visit), session.update(visit)]);
    expect([session.data.views, store.calls.replace]).toEqual([2, 1]);
  });

  test('the request of a login leaves no timer for a sweep', async () => {
    vi.useFakeTimers();
    try {
      const { sessions } = setUp();
      await sessions.create({ userId: 'ada', views: 0 });
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test('handle serves the sessions of its createSessions, and the server has all its operations', async () => {
    const sessions = createSessions<Data>({ ownerOf: ({ userId }) => userId });
    const { token, id } = await sessions.create({ userId: 'ada', views: 0 });
    const request = new Request('https://app.example/', { headers: { authorization: `Bearer ${token}` } });
    const answer = await sessions.handle(request, ({ session }) => Response.json(session?.data ?? null));
    expect(await answer.json()).toEqual({ userId: 'ada', views: 0 });
    expect((await sessions.find(id))?.id).toBe(id);
    expect(await sessions.listFor('ada')).toHaveLength(1);
    expect(await sessions.destroyFor('ada')).toBe(1);
    expect(await sessions.destroy(id)).toBe(false);
  });
});

test('elsewhere, the writes of all requests wait in one queue', async () => {
  const { store, sessions, open } = setUp();
  const { token } = await sessions.create({ userId: 'ada', views: 0 });
  const both = await Promise.all([open(token), open(token)]);
  await Promise.all(both.map((session) => session.update(visit)));
  expect(store.calls.replace).toBe(1);
});
