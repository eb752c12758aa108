import { describe, expect, test, vi } from 'vitest';
import { changesOf, fakeBrowser, ORIGIN } from './support/fake-browser.js';
import { ok, refused, scripted, stepUp } from './support/scripted.js';
import { API, clientOf } from './support/scripted-client.js';
import { idOf, newToken } from './support/tokens.js';

describe('a request', () => {
  test('carries the token in Authorization, and none when signed out', async () => {
    const { session, arrivals } = clientOf(() => ok());
    await session.fetch(`${API}/a`);
    const token = newToken();
    await session.set(token);
    await session.fetch(new URL(`${API}/b`));
    await session.fetch(new Request(`${API}/c`, { headers: { 'x-own': '1' } }));
    await session.fetch(`${API}/d`, { method: 'POST', body: 'text', headers: { 'x-own': '2' } });
    expect(arrivals.map(({ headers }) => headers.get('authorization'))).toEqual([
      null,
      ...Array(3).fill(`Bearer ${token}`),
    ]);
    expect(arrivals.map(({ headers }) => headers.get('x-own'))).toEqual([null, null, '1', '2']);
    expect(arrivals.map(({ body }) => body)).toEqual(['', '', '', 'text']);
  });

  test('carries the bare token in a header with another name', async () => {
    const { session, arrivals } = clientOf(() => ok(), { header: { request: 'X-Auth-Token' } });
    const token = newToken();
    await session.set(token);
    await session.fetch(API);
    expect(arrivals[0]?.headers.get('x-auth-token')).toBe(token);
    expect(arrivals[0]?.headers.get('authorization')).toBeNull();
    expect(await session.connectionParams()).toEqual({ 'X-Auth-Token': token });
  });

  test('keeps credentials of the caller, and their refusal does not concern the session', async () => {
    const { session, arrivals } = clientOf(() => refused({ 'session-token': newToken() }));
    const token = newToken();
    await session.set(token);
    await session.fetch(API, { headers: { Authorization: 'Basic abc' } });
    expect(arrivals.map(({ headers }) => headers.get('authorization'))).toEqual(['Basic abc']);
    expect(await session.token()).toBe(token);
  });

  test('fails like fetch when the connection does, and stays logged in', async () => {
    const { session, arrivals } = clientOf(() => {
      throw new TypeError('fetch failed');
    });
    await session.set(newToken());
    const changes = changesOf(session);
    await expect(session.fetch(API)).rejects.toThrow('fetch failed');
    expect(arrivals).toHaveLength(1);
    expect(changes).toEqual([]);
  });

  test("uses the platform's current fetch", async () => {
    const { open } = fakeBrowser();
    const session = open();
    const server = scripted(() => ok());
    vi.stubGlobal('fetch', server.fetch);
    await session.fetch(`${ORIGIN}/x`);
    expect(server.arrivals).toHaveLength(1);
  });
});

describe('another origin', () => {
  test('does not get the token, has its answer ignored, and causes one warning', async () => {
    const { warnings } = fakeBrowser();
    const { session, arrivals } = clientOf(() => refused({ 'session-token': newToken() }));
    const token = newToken();
    await session.set(token);
    const changes = changesOf(session);
    for (const url of ['https://other.example/a', 'https://other.example/b', `${API}:8443/`, 'http://api.example/']) {
      await session.fetch(url);
    }
    expect(arrivals.map(({ token: sent }) => sent)).toEqual([null, null, null, null]);
    expect(warnings.map((text) => /https?:\S+/.exec(text)?.[0])).toEqual([
      'https://other.example',
      `${API}:8443`,
      'http://api.example',
    ]);
    expect(changes).toEqual([]);
  });

  test('is recognised by the URL as the platform reads it', async () => {
    fakeBrowser();
    const sent: boolean[] = [];
    const { session } = clientOf(() => ok(), {
      fetch: async (_, init) => {
        sent.push(new Headers(init?.headers).has('authorization'));
        return ok();
      },
    });
    await session.set(newToken());
    const foreign = [
      'https://api.example@evil.example/',
      'https:\\\\evil.example\\api.example',
      'https://api.example.evil.example/',
    ];
    for (const url of [...foreign, 'HTTPS://API.example:443/x']) await session.fetch(url);
    expect(sent).toEqual([false, false, false, true]);
  });

  test('may come from a <base>', async () => {
    const { open } = fakeBrowser({ document: { baseURI: 'https://cdn.example/' } });
    const sent: (string | null)[] = [];
    const session = open({
      fetch: async (_, init) => {
        sent.push(new Headers(init?.headers).get('authorization'));
        return ok();
      },
    });
    await session.set(newToken());
    await session.fetch('/relative');
    expect(sent).toEqual([null]);
  });

  test('may answer after a redirect, and is not believed', async () => {
    const { warnings } = fakeBrowser();
    const { session } = clientOf(() => {
      const answer = refused({ 'session-token': newToken() });
      Object.defineProperty(answer, 'url', { value: 'https://evil.example/' });
      return answer;
    });
    const token = newToken();
    await session.set(token);
    expect((await session.fetch(API)).status).toBe(401);
    expect(await session.token()).toBe(token);
    expect(warnings).toHaveLength(1);
  });

  test('is not believed by recover() either', async () => {
    fakeBrowser();
    const { session } = clientOf(
      () => {
        const answer = stepUp();
        Object.defineProperty(answer, 'url', { value: 'https://evil.example/' });
        return answer;
      },
      { onStepUp: () => Promise.reject(new Error('no question is expected')) },
    );
    const token = newToken();
    await session.set(token);
    const response = await session.fetch(API);
    const error = { data: { sessionCode: 'UNAUTHENTICATED' }, meta: { response } };
    expect([await session.recover(error, token), await session.recover(response, token)]).toEqual([false, false]);
    expect(await session.token()).toBe(token);
  });

  test('cannot get a header with another name through a redirect', async () => {
    const { session, arrivals } = clientOf(() => ok(), { header: { request: 'x-auth-token' } });
    await session.set(newToken());
    await session.fetch(API);
    expect(arrivals.map(({ init }) => init?.redirect)).toEqual(['error']);
  });
});

describe('an answer with a new token', () => {
  test('rotates the session of the request', async () => {
    const token = newToken();
    const next = newToken(idOf(token));
    const { session } = clientOf(() => ok({ 'session-token': next }));
    await session.set(token);
    const changes = changesOf(session);
    await session.fetch(API);
    expect(await session.token()).toBe(next);
    expect(changes).toEqual([{ type: 'rotated' }]);
  });

  test('starts a session, as the answer to a login', async () => {
    const token = newToken();
    const { session } = clientOf(() => ok({ 'x-new': token }), { header: { response: 'x-new' } });
    const changes = changesOf(session);
    await session.fetch(API);
    await session.set(token);
    expect(await session.token()).toBe(token);
    expect(changes).toEqual([{ type: 'started' }]);
  });

  test('changes nothing if another login or logout has happened since', async () => {
    const late: (() => void)[] = [];
    const { session } = clientOf(
      ({ token }) =>
        new Promise((resolve) =>
          late.push(() => resolve(ok({ 'session-token': newToken(idOf(token ?? newToken())) }))),
        ),
    );
    await session.set(newToken());
    const first = session.fetch(API);
    const second = session.fetch(API);
    await vi.waitFor(() => expect(late).toHaveLength(2));
    const token = newToken();
    await session.set(token);
    late[0]?.();
    await first;
    expect(await session.token()).toBe(token);
    await session.clear();
    late[1]?.();
    await second;
    expect(await session.token()).toBeNull();
  });

  test('among parallel answers counts if it comes first, and then only its successors do', async () => {
    const [one, two, three] = [newToken()].flatMap((token) => [token, newToken(idOf(token)), newToken(idOf(token))]);
    const answers = new Map<string, (response: Response) => void>();
    const { session } = clientOf(({ url }) => new Promise((resolve) => answers.set(url, resolve)));
    await session.set(one);
    const pending = ['/a', '/b', '/c'].map((path) => session.fetch(API + path));
    await vi.waitFor(() => expect(answers.size).toBe(3));
    answers.get(`${API}/c`)?.(ok({ 'session-token': two ?? '' }));
    await pending[2];
    pending.push(session.fetch(`${API}/d`));
    await vi.waitFor(() => expect(answers.size).toBe(4));
    answers.get(`${API}/d`)?.(ok({ 'session-token': three ?? '' }));
    await pending[3];
    answers.get(`${API}/a`)?.(ok({ 'session-token': two ?? '' }));
    answers.get(`${API}/b`)?.(ok());
    await Promise.all(pending);
    expect(await session.token()).toBe(three);
  });

  test.each(['a b', 'one, two', 'no\u00e4scii'])('with the invalid value %j is ignored', async (value) => {
    const { session } = clientOf(() => ok({ 'session-token': value }));
    const token = newToken();
    await session.set(token);
    await session.fetch(API);
    expect(await session.token()).toBe(token);
  });

  test('with an empty token ends the session, as after a logout', async () => {
    const { session } = clientOf(() => ok({ 'session-token': '' }));
    await session.fetch(API);
    await session.set(newToken());
    const changes = changesOf(session);
    await session.fetch(API);
    await session.clear();
    expect(changes).toEqual([{ type: 'ended', reason: 'logout' }]);
  });
});

describe('set', () => {
  test.each([undefined, '', 'two words', 'line\nbreak'])('refuses %j, which a header cannot carry', async (value) => {
    const { session } = clientOf(() => ok());
    const token = newToken();
    await session.set(token);
    await expect(session.set(value)).rejects.toThrow(TypeError);
    expect(await session.token()).toBe(token);
  });
});

test('all methods are bound', async () => {
  const { session, arrivals } = clientOf(() => ok());
  const { set, clear, token, getSnapshot, subscribe, fetch, connectionParams, recover } = session;
  const value = newToken();
  const off = subscribe(() => {});
  await set(value);
  await fetch(API);
  expect(arrivals[0]?.token).toBe(value);
  expect(await token()).toBe(value);
  expect(getSnapshot()).toBe(idOf(value));
  expect(await connectionParams()).toEqual({ authorization: `Bearer ${value}` });
  expect(await recover(new Error('other'), value)).toBe(false);
  await clear();
  off();
});
