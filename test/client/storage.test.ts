import { runInNewContext } from 'node:vm';
import { describe, expect, test, vi } from 'vitest';
import { createSessionClient, type TokenStorage } from '../../src/client/index.js';
import { changesOf, FakeStorage, fakeBrowser, ORIGIN } from './support/fake-browser.js';
import { idOf, newToken } from './support/tokens.js';

describe('localStorage', () => {
  test('keeps the token under the key, and nothing after the end of the session', async () => {
    const { local, key, open } = fakeBrowser();
    const session = open();
    const token = newToken();
    await session.set(token);
    expect([...local.items]).toEqual([[key, token]]);
    expect(await session.token()).toBe(token);
    await session.clear();
    expect([...local.items]).toEqual([]);
    expect(await session.token()).toBeNull();
  });

  test('is read at once, so that the first rendering knows the session', () => {
    const { local, key, open } = fakeBrowser();
    const token = newToken();
    expect(open().getSnapshot()).toBeNull();
    local.items.set(key, token);
    expect(open().getSnapshot()).toBe(idOf(token));
  });

  test('uses the key token-session by default', async () => {
    const { local } = fakeBrowser();
    const token = newToken();
    await createSessionClient().set(token);
    expect([...local.items]).toEqual([['token-session', token]]);
  });

  test.each(['', 'two words', 'no\nline', 'ünicode', 'a,b'])('counts as signed out with %j in it', async (text) => {
    const { local, key, open } = fakeBrowser();
    local.items.set(key, text);
    const session = open();
    expect(session.getSnapshot()).toBeNull();
    expect(await session.token()).toBeNull();
  });
});

describe('a storage that is blocked or full', () => {
  const denied = Object.assign(new Error('denied'), { name: 'SecurityError' });

  test('is replaced by memory, with one warning, if the property throws', async () => {
    const { open, warnings, key } = fakeBrowser();
    Object.defineProperty(globalThis, 'localStorage', {
      configurable: true,
      get: () => {
        throw denied;
      },
    });
    const session = open();
    await session.set(newToken());
    const token = newToken();
    await session.set(token);
    expect(await session.token()).toBe(token);
    expect(session.getSnapshot()).toBe(idOf(token));
    expect(warnings).toEqual([expect.stringContaining('denied')]);
    // This tab is separate: tabs do not share memory.
    expect(await open({ key }).token()).toBeNull();
  });

  test('is replaced by memory if the property is null', async () => {
    const { open, warnings } = fakeBrowser({ localStorage: null });
    const session = open();
    await session.set(newToken());
    expect(await session.token()).not.toBeNull();
    expect(warnings).toHaveLength(1);
  });

  test.each(['local', 'session'] as const)('is replaced by memory if it is full (%s)', async (storage) => {
    const browser = fakeBrowser();
    const session = browser.open({ storage });
    browser[storage].failure = Object.assign(new Error('full'), { name: 'QuotaExceededError' });
    const changes = changesOf(session);
    const token = newToken();
    await session.set(token);
    expect(await session.token()).toBe(token);
    await session.clear();
    expect(await session.token()).toBeNull();
    expect(changes.map(({ type }) => type)).toEqual(['started', 'ended']);
    expect(browser.warnings).toHaveLength(1);
  });

  test('shares rotations and the end with tabs of the same session', async () => {
    const { open } = fakeBrowser({ localStorage: null });
    const [first, second, other] = [open(), open(), open()];
    const token = newToken();
    await first.set(token);
    await second.set(token);
    await other.set(newToken());
    const changes = [changesOf(second), changesOf(other)];
    const next = newToken(idOf(token));
    await first.set(next);
    await vi.waitFor(async () => expect(await second.token()).toBe(next));
    await first.clear();
    await vi.waitFor(() => expect(second.getSnapshot()).toBeNull());
    expect(changes).toEqual([[{ type: 'rotated' }, { type: 'ended', reason: 'logout' }], []]);
    expect(other.getSnapshot()).not.toBeNull();
  });
});

describe('a storage of the application', () => {
  const DELAYS = [5, 1, 3, 0];

  /** A slow storage, like React Native's, with another delay at each call. */
  function slowStorage(): TokenStorage & { readonly items: Map<string, string> } {
    const storage = new FakeStorage();
    let calls = 0;
    const later = async <Result>(run: () => Result): Promise<Result> => {
      await new Promise((resolve) => setTimeout(resolve, DELAYS[calls++ % DELAYS.length]));
      return run();
    };
    return {
      items: storage.items,
      getItem: (key) => later(() => storage.getItem(key)),
      setItem: (key, value) => later(() => storage.setItem(key, value)),
      removeItem: (key) => later(() => storage.removeItem(key)),
    };
  }

  test('may answer late: until then the state is unknown, and requests wait', async () => {
    const storage = slowStorage();
    const token = newToken();
    storage.items.set('token-session', token);
    const sent: (string | null)[] = [];
    const session = createSessionClient({
      storage,
      origins: [ORIGIN],
      fetch: async (_, init) => {
        sent.push(new Headers(init?.headers).get('authorization'));
        return new Response();
      },
    });
    const changes = changesOf(session);
    expect(session.getSnapshot()).toBeUndefined();
    await session.fetch(`${ORIGIN}/me`);
    expect(sent).toEqual([`Bearer ${token}`]);
    expect(session.getSnapshot()).toBe(idOf(token));
    expect(changes).toEqual([{ type: 'started' }]);
  });

  test("may answer with a promise that is not the platform's", async () => {
    const token = newToken();
    const getItem = (): Promise<string> => runInNewContext('Promise.resolve(token)', { token });
    const storage = { getItem, setItem: () => undefined, removeItem: () => undefined };
    const session = createSessionClient({ storage, origins: [ORIGIN] });
    expect(await session.token()).toBe(token);
  });

  test('makes the state signed out if it is empty', async () => {
    const session = createSessionClient({ storage: slowStorage(), origins: [ORIGIN] });
    const changes = changesOf(session);
    expect(await session.token()).toBeNull();
    expect(session.getSnapshot()).toBeNull();
    expect(changes).toEqual([{ type: 'ended' }]);
  });

  test('gets its writes one after the other, and set resolves after its own write', async () => {
    const storage = slowStorage();
    const session = createSessionClient({ storage, origins: [ORIGIN] });
    const last = newToken();
    for (const token of [newToken(), newToken(), newToken()]) void session.set(token);
    void session.clear();
    await session.set(last);
    expect(storage.items.get('token-session')).toBe(last);
    void session.set(newToken());
    await session.clear();
    expect([...storage.items]).toEqual([]);
  });

  test('is not waited for if the session is set first', async () => {
    const storage = slowStorage();
    storage.items.set('token-session', newToken());
    const session = createSessionClient({ storage, origins: [ORIGIN] });
    const changes = changesOf(session);
    const token = newToken();
    await session.set(token);
    expect(await session.token()).toBe(token);
    expect(changes).toEqual([{ type: 'started' }]);
  });

  test('is replaced by memory if it fails', async () => {
    const { warnings } = fakeBrowser();
    const failing = async (): Promise<never> => {
      throw new Error('no keychain');
    };
    const session = createSessionClient({ storage: { getItem: failing, setItem: failing, removeItem: failing } });
    expect(await session.token()).toBeNull();
    const token = newToken();
    await session.set(token);
    expect(await session.token()).toBe(token);
    expect(warnings).toEqual([expect.stringContaining('no keychain')]);
  });

  test('is read at once if it is synchronous', async () => {
    const storage = new FakeStorage();
    const token = newToken();
    storage.items.set('token-session', token);
    const session = createSessionClient({ storage, origins: [ORIGIN] });
    expect(session.getSnapshot()).toBe(idOf(token));
    await session.clear();
    expect([...storage.items]).toEqual([]);
  });
});

describe('memory', () => {
  test('uses no storage of the browser and shares nothing', async () => {
    const { open, local, session: perTab, warnings } = fakeBrowser();
    local.failure = perTab.failure = new Error('touched');
    const [first, second] = [open({ storage: 'memory' }), open({ storage: 'memory' })];
    const token = newToken();
    await first.set(token);
    await second.set(token);
    await first.clear();
    expect([await first.token(), await second.token()]).toEqual([null, token]);
    expect(warnings).toEqual([]);
  });
});

describe('a server', () => {
  test('has no session while it renders: set throws, requests carry no token, the state is unknown', async () => {
    const sent: (RequestInit | undefined)[] = [];
    const fetch: typeof globalThis.fetch = async (_, init) => {
      sent.push(init);
      return new Response('', { headers: { 'session-token': newToken() } });
    };
    for (const storage of ['local', 'session', 'cookie'] as const) {
      const session = createSessionClient({ storage, fetch });
      await expect(session.set(newToken())).rejects.toThrow(TypeError);
      await session.fetch('https://anywhere.example/me');
      expect(session.getSnapshot()).toBeUndefined();
      expect(await session.token()).toBeNull();
      expect(await session.connectionParams()).toEqual({});
    }
    expect(sent.map((init) => [...new Headers(init?.headers)])).toEqual([[], [], []]);
  });

  test('must name its own origins, and so must an app without a location', () => {
    expect(() => createSessionClient({ storage: 'memory' })).toThrow('origins');
    expect(() => createSessionClient({ storage: new FakeStorage() })).toThrow('origins');
    expect(() => createSessionClient({ storage: 'memory', origins: ['api.example'] })).toThrow(TypeError);
  });
});
