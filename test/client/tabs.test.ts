import { describe, expect, test, vi } from 'vitest';
import { changesOf, fakeBrowser } from './support/fake-browser.js';
import { idOf, newToken } from './support/tokens.js';

const STARTED = { type: 'started' };
const ROTATED = { type: 'rotated' };
const LOGGED_OUT = { type: 'ended', reason: 'logout' };

describe('tabs that share localStorage', () => {
  test('each receive a login, a rotation and a logout once', async () => {
    const { open } = fakeBrowser();
    const tabs = [open(), open(), open()];
    const changes = tabs.map(changesOf);
    const token = newToken();
    await tabs[0]?.set(token);
    await vi.waitFor(() => expect(changes).toEqual(Array(3).fill([STARTED])));
    expect(tabs.map((tab) => tab.getSnapshot())).toEqual(Array(3).fill(idOf(token)));
    await tabs[1]?.set(newToken(idOf(token)));
    await vi.waitFor(() => expect(changes).toEqual(Array(3).fill([STARTED, ROTATED])));
    expect(tabs.map((tab) => tab.getSnapshot())).toEqual(Array(3).fill(idOf(token)));
    await tabs[2]?.clear();
    await vi.waitFor(() => expect(changes).toEqual(Array(3).fill([STARTED, ROTATED, LOGGED_OUT])));
    expect(tabs.map((tab) => tab.getSnapshot())).toEqual([null, null, null]);
  });

  test('receive a change once if both a message and a storage event arrive', async () => {
    const { open, dispatch } = fakeBrowser();
    const [here, there] = [open(), open()];
    const changes = changesOf(there);
    await here.set(newToken());
    dispatch('storage');
    await vi.waitFor(() => expect(changes).toHaveLength(1));
    await here.clear();
    dispatch('storage');
    await vi.waitFor(() => expect(changes).toHaveLength(2));
    dispatch('storage');
    dispatch('pageshow');
    // An effect of a storage event comes later than any message.
    await here.set(newToken());
    await vi.waitFor(() => expect(changes).toHaveLength(3));
    expect(changes).toEqual([STARTED, LOGGED_OUT, STARTED]);
  });

  test('receive storage events if there are no messages', async () => {
    const { open, dispatch } = fakeBrowser({ BroadcastChannel: undefined });
    const [here, there] = [open(), open()];
    const changes = changesOf(there);
    await here.set(newToken());
    dispatch('storage');
    await vi.waitFor(() => expect(changes).toEqual([STARTED]));
    await here.clear();
    dispatch('storage');
    await vi.waitFor(() => expect(changes).toEqual([STARTED, { type: 'ended' }]));
  });

  test('use a token that another tab has just written, before its message arrives', async () => {
    const { open } = fakeBrowser();
    const [here, there] = [open(), open()];
    const changes = changesOf(there);
    const token = newToken();
    await here.set(token);
    expect(await there.token()).toBe(token);
    expect(changes).toEqual([]);
    await here.clear();
    expect(await there.token()).toBeNull();
  });

  test('notice without a message that the storage was emptied', async () => {
    const { open, local, dispatch } = fakeBrowser();
    const session = open();
    await session.set(newToken());
    const changes = changesOf(session);
    local.items.clear();
    dispatch('storage');
    await vi.waitFor(() => expect(changes).toEqual([{ type: 'ended' }]));
  });

  test('with another key have another session', async () => {
    const { open, key } = fakeBrowser();
    const [first, second] = [open(), open({ key: `${key}-2` })];
    const changes = changesOf(second);
    await first.set(newToken());
    expect(await second.token()).toBeNull();
    await second.set(newToken());
    expect(changes).toEqual([STARTED]);
  });
});

describe('tabs with sessionStorage', () => {
  test('share only the rotations and the end of the same session', async () => {
    const browser = fakeBrowser();
    const open = () => {
      // Each tab has its own storage; a duplicated tab begins with a copy.
      vi.stubGlobal(
        'sessionStorage',
        Object.assign(Object.create(browser.session), { items: new Map(browser.session.items) }),
      );
      return browser.open({ storage: 'session' });
    };
    const token = newToken();
    browser.session.items.set(browser.key, token);
    const [first, twin] = [open(), open()];
    browser.session.items.clear();
    const [other, empty] = [open(), open()];
    await other.set(newToken());
    const changes = [twin, other, empty].map(changesOf);
    const next = newToken(idOf(token));
    await first.set(next);
    await vi.waitFor(async () => expect(await twin.token()).toBe(next));
    await first.clear();
    await vi.waitFor(() => expect(twin.getSnapshot()).toBeNull());
    expect(changes).toEqual([[ROTATED, LOGGED_OUT], [], []]);
    expect(empty.getSnapshot()).toBeNull();
  });
});

describe('listeners', () => {
  test('are called until they unsubscribe, each separately', async () => {
    const session = fakeBrowser().open();
    const [first, second] = [vi.fn(), vi.fn()];
    const [off] = [session.subscribe(first), session.subscribe(second)];
    await session.set(newToken());
    off();
    off();
    await session.clear();
    expect([first, second].map((each) => each.mock.calls.length)).toEqual([1, 2]);
  });

  test('see the new state, and one that throws does not affect others', async () => {
    const session = fakeBrowser().open();
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {});
    const seen: unknown[] = [];
    session.subscribe(() => {
      throw new Error('broken');
    });
    session.subscribe(() => seen.push(session.getSnapshot()));
    const token = newToken();
    await session.set(token);
    expect(seen).toEqual([idOf(token)]);
    expect(errors).toHaveBeenCalledTimes(1);
    errors.mockRestore();
  });

  test('are not called for the same token or a second end', async () => {
    const session = fakeBrowser().open();
    const changes = changesOf(session);
    const token = newToken();
    await session.set(token);
    await session.set(token);
    await session.clear();
    await session.clear();
    expect(changes).toEqual([STARTED, LOGGED_OUT]);
  });
});

describe('the public id', () => {
  const id = '0190a6f0-7c1a-7bcd-8def-0123456789ab';

  test.each([
    [`ts_${id}.secret_-x`, id],
    [`my_app_${id}.secret`, id],
    [`live${id}.secret`, id],
    [`${id}.secret`, id],
    ['ts_alice.secret', 'alice'],
    ['alice.secret', 'alice'],
    ['a-token-of-another-library', 'session'],
  ])('of %s is %s', async (token, expected) => {
    const session = fakeBrowser().open();
    await session.set(token);
    expect(session.getSnapshot()).toBe(expected);
  });

  test('distinguishes another session from a new token of the same one', async () => {
    const session = fakeBrowser().open();
    const changes = changesOf(session);
    await session.set(`ts_${id}.one`);
    await session.set(`ts_${id}.two`);
    await session.set(newToken());
    expect(changes).toEqual([STARTED, ROTATED, STARTED]);
  });
});
