import { describe, expect, test, vi } from 'vitest';
import { changesOf, type FakeBrowser, fakeBrowser, ORIGIN } from './support/fake-browser.js';
import { type Arrival, ok, refused, type Scripted, scripted, stepUp } from './support/scripted.js';
import { newToken } from './support/tokens.js';

const URL_OF_API = `${ORIGIN}/api`;

/** A tab with its session in a cookie. */
function openTab(
  browser: FakeBrowser,
  answer: (arrival: Arrival, index: number) => Response | Promise<Response> = () => ok(),
  options = {},
) {
  const server: Scripted = scripted(answer);
  return { ...server, session: browser.open({ storage: 'cookie', fetch: server.fetch, ...options }) };
}

test('no token is kept, accepted or sent, and credentials go only to own origins', async () => {
  const browser = fakeBrowser();
  const token = newToken();
  const { session, arrivals } = openTab(browser, () => ok({ 'session-token': token }));
  await session.set();
  await session.set(token);
  await session.fetch(URL_OF_API);
  await session.fetch(URL_OF_API, { credentials: 'same-origin' });
  await session.fetch('https://other.example/');
  expect(arrivals.map(({ init }) => init?.credentials)).toEqual(['include', 'same-origin', undefined]);
  expect(arrivals.map(({ headers }) => headers.get('authorization'))).toEqual([null, null, null]);
  expect(await session.token()).toBeNull();
  expect(await session.connectionParams()).toEqual({});
  expect([...browser.local.items.values()].join()).not.toContain(token);
});

test('the signed-in state is unknown at first, and then shared by all tabs', async () => {
  const browser = fakeBrowser();
  const tabs = [openTab(browser), openTab(browser)];
  const snapshots = () => tabs.map(({ session }) => session.getSnapshot());
  const changes = tabs.map(({ session }) => changesOf(session));
  expect(snapshots()).toEqual([undefined, undefined]);
  await tabs[0]?.session.set();
  await vi.waitFor(() => expect(snapshots()).toEqual(['cookie', 'cookie']));
  await tabs[1]?.session.set();
  await vi.waitFor(() => expect(changes[0]).toHaveLength(2));
  await tabs[0]?.session.clear();
  await vi.waitFor(() => expect(snapshots()).toEqual([null, null]));
  const all = [{ type: 'started' }, { type: 'rotated' }, { type: 'ended', reason: 'logout' }];
  expect(changes).toEqual([all, all]);
  // A new tab cannot see the cookie, but it learns what the others know.
  expect(openTab(browser).session.getSnapshot()).toBeNull();
});

test('a call whose session ended while it ran is not repeated, and signs the tab out', async () => {
  const { session } = openTab(fakeBrowser());
  await session.set();
  const refusal = (sessionCode: string) => ({ data: { code: 'UNAUTHORIZED', sessionCode } });
  expect(await session.recover(refusal('UNAUTHENTICATED'), null)).toBe(true);
  expect(session.getSnapshot()).toBe('cookie');
  expect(await session.recover(refusal('SESSION_GONE'), null)).toBe(false);
  expect(session.getSnapshot()).toBeNull();
});

test('tabs agree if the storage is blocked', async () => {
  const browser = fakeBrowser({ localStorage: null });
  const tabs = [openTab(browser), openTab(browser)];
  const changes = tabs.map(({ session }) => changesOf(session));
  await tabs[0]?.session.set();
  await vi.waitFor(() => expect(changes[1]).toEqual([{ type: 'started' }]));
  await tabs[1]?.session.clear();
  await vi.waitFor(() => expect(changes[0]).toEqual([{ type: 'started' }, { type: 'ended', reason: 'logout' }]));
});

describe('a refusal', () => {
  test('is repeated once, because the browser may have got a newer cookie', async () => {
    const { session, arrivals } = openTab(fakeBrowser(), (_, index) => (index === 0 ? refused() : ok()));
    await session.set();
    const changes = changesOf(session);
    expect((await session.fetch(URL_OF_API)).status).toBe(200);
    expect(arrivals).toHaveLength(2);
    expect(changes).toEqual([]);
  });

  test('of the repetition ends the session', async () => {
    const { session, arrivals } = openTab(fakeBrowser(), () => refused());
    await session.set();
    const changes = changesOf(session);
    expect((await session.fetch(URL_OF_API)).status).toBe(401);
    expect(arrivals).toHaveLength(2);
    expect(changes).toEqual([{ type: 'ended', reason: 'refused' }]);
    await session.fetch(URL_OF_API);
    expect(arrivals).toHaveLength(3);
  });

  test('makes an unknown state signed out', async () => {
    const { session } = openTab(fakeBrowser(), () => refused());
    await session.fetch(URL_OF_API);
    expect(session.getSnapshot()).toBeNull();
  });

  test('does not end a session that has begun in the meantime', async () => {
    const { session } = openTab(fakeBrowser(), async () => {
      await session.set();
      return refused();
    });
    await session.set();
    await session.fetch(URL_OF_API);
    expect(session.getSnapshot()).toBe('cookie');
  });

  test('is not repeated if another tab has set a cookie meanwhile, which may be another user’s', async () => {
    const browser = fakeBrowser();
    const other = openTab(browser).session;
    const { session, arrivals } = openTab(browser, async () => {
      await other.set();
      return refused();
    });
    await session.set();
    expect((await session.fetch(URL_OF_API, { method: 'POST', body: 'pay' })).status).toBe(401);
    expect(arrivals).toHaveLength(1);
    expect(session.getSnapshot()).toBe('cookie');
  });

  test('of a request without credentials does not concern the session', async () => {
    const { session, arrivals } = openTab(fakeBrowser(), () => refused());
    await session.set();
    await session.fetch(URL_OF_API, { credentials: 'omit' });
    await session.fetch(new Request(URL_OF_API, { credentials: 'omit' }));
    expect(arrivals).toHaveLength(2);
    expect(session.getSnapshot()).toBe('cookie');
  });
});

test('makes recover repeat the call, and end the session if the repetition is refused', async () => {
  const refusal = { data: { sessionCode: 'UNAUTHENTICATED' } };
  const { session } = openTab(fakeBrowser(), (_, index) => new Response('', { status: index === 0 ? 207 : 401 }));
  await session.set();
  const first = await session.fetch(URL_OF_API);
  expect(await session.recover({ ...refusal, meta: { response: first } }, null)).toBe(true);
  expect(session.getSnapshot()).toBe('cookie');
});

test('a step-up is repeated after the dialog', async () => {
  const { session, arrivals } = openTab(fakeBrowser(), (_, index) => (index === 0 ? stepUp(60) : ok()), {
    onStepUp: async () => {
      await session.set();
      return true;
    },
  });
  await session.set();
  expect((await session.fetch(URL_OF_API)).status).toBe(200);
  expect(arrivals).toHaveLength(2);
});
