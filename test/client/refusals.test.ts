import { describe, expect, test } from 'vitest';
import { changesOf } from './support/fake-browser.js';
import { ok, refused, type Scripted } from './support/scripted.js';
import { API, clientOf } from './support/scripted-client.js';
import { idOf, newToken } from './support/tokens.js';

const tokensOf = ({ arrivals }: Scripted): (string | null)[] => arrivals.map(({ token }) => token);

describe('a refusal', () => {
  test('of the newest token that the server marks as such ends the session', async () => {
    const server = clientOf(() => refused({ 'session-token': '' }));
    await server.session.set(newToken());
    const changes = changesOf(server.session);
    expect((await server.session.fetch(API)).status).toBe(401);
    expect(changes).toEqual([{ type: 'ended', reason: 'refused' }]);
    expect(server.arrivals).toHaveLength(1);
  });

  test('of an older token is repeated once, with the newest token', async () => {
    const token = newToken();
    const next = newToken(idOf(token));
    const server = clientOf(async ({ token: sent }, index) => {
      if (index === 0) await server.session.set(next);
      return sent === next ? ok() : refused();
    });
    await server.session.set(token);
    const response = await server.session.fetch(API, { method: 'POST', body: 'once' });
    expect(response.status).toBe(200);
    expect(tokensOf(server)).toEqual([token, next]);
    expect(server.arrivals.map(({ body, method }) => `${method} ${body}`)).toEqual(['POST once', 'POST once']);
  });

  test('is repeated at most once, however often the token changes', async () => {
    const id = idOf(newToken());
    const server = clientOf(async () => {
      await server.session.set(newToken(id));
      return refused();
    });
    await server.session.set(newToken(id));
    expect((await server.session.fetch(API)).status).toBe(401);
    expect(server.arrivals).toHaveLength(2);
    expect(await server.session.token()).not.toBeNull();
  });

  test('of the repetition ends the session if that had the newest token', async () => {
    const token = newToken();
    const next = newToken(idOf(token));
    const server = clientOf(async (_, index) => {
      if (index === 0) await server.session.set(next);
      return refused();
    });
    await server.session.set(token);
    const changes = changesOf(server.session);
    await server.session.fetch(API);
    expect(tokensOf(server)).toEqual([token, next]);
    expect(changes).toEqual([{ type: 'rotated' }, { type: 'ended', reason: 'refused' }]);
  });

  test("is not repeated for another session, which may be another user's", async () => {
    const [token, other] = [newToken(), newToken()];
    const server = clientOf(async () => {
      await server.session.set(other);
      return refused();
    });
    await server.session.set(token);
    await server.session.fetch(API, { method: 'POST', body: 'mine' });
    expect(tokensOf(server)).toEqual([token]);
    expect(await server.session.token()).toBe(other);
  });

  test('takes a new token from its own answer first', async () => {
    const token = newToken();
    const next = newToken(idOf(token));
    const server = clientOf(({ token: sent }) => (sent === next ? ok() : refused({ 'session-token': next })));
    await server.session.set(token);
    expect((await server.session.fetch(API)).status).toBe(200);
    expect(tokensOf(server)).toEqual([token, next]);
  });

  test.each([
    ['an unmarked 401', () => new Response('', { status: 401 })],
    [
      'a 401 of another scheme',
      () => new Response('', { status: 401, headers: { 'www-authenticate': 'DPoP error="invalid_token"' } }),
    ],
    ['a 401 that lacks a token', () => new Response('', { status: 401, headers: { 'www-authenticate': 'Bearer' } })],
    ['a 403', () => new Response('', { status: 403 })],
    ['a 503', () => new Response('', { status: 503 })],
    ['a 409', () => Response.json({ code: 'TOKEN_REPLACED', status: 409 }, { status: 409 })],
    [
      'an error of the server',
      () => new Response('', { status: 500, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } }),
    ],
  ])('does not include %s: the session stays, and nothing is repeated', async (_, answer) => {
    const server = clientOf(answer);
    const token = newToken();
    await server.session.set(token);
    await server.session.fetch(API);
    expect(await server.session.token()).toBe(token);
    expect(server.arrivals).toHaveLength(1);
  });

  test('of parallel requests ends the session once', async () => {
    const server = clientOf(() => refused());
    await server.session.set(newToken());
    const changes = changesOf(server.session);
    await Promise.all([1, 2, 3, 4].map(() => server.session.fetch(API)));
    expect(changes).toEqual([{ type: 'ended', reason: 'refused' }]);
    expect(server.arrivals).toHaveLength(4);
  });
});

describe('a repetition', () => {
  /** A server that refuses the first request, whose token is no longer the newest. */
  function refusingOnce(): ReturnType<typeof clientOf> {
    const token = newToken();
    const server = clientOf(async (_, index) => {
      if (index > 0) return ok();
      await server.session.set(newToken(idOf(token)));
      return refused();
    });
    void server.session.set(token);
    return server;
  }

  test('has the same body: text, form, bytes or a Request', async () => {
    const form = new URLSearchParams({ a: '1' });
    const bodies = [
      (session: ReturnType<typeof clientOf>['session']) => session.fetch(API, { method: 'POST', body: form }),
      (session: ReturnType<typeof clientOf>['session']) =>
        session.fetch(API, { method: 'POST', body: new TextEncoder().encode('a=1') }),
      (session: ReturnType<typeof clientOf>['session']) =>
        session.fetch(API, { method: 'POST', body: new Blob(['a=1']) }),
      (session: ReturnType<typeof clientOf>['session']) =>
        session.fetch(new Request(API, { method: 'POST', body: 'a=1' })),
    ];
    for (const send of bodies) {
      const { session, arrivals } = refusingOnce();
      expect((await send(session)).status).toBe(200);
      expect(arrivals.map(({ body }) => body)).toEqual(['a=1', 'a=1']);
    }
  });

  test('does not happen for a stream, which is used up: the refusal is the answer', async () => {
    const { session, arrivals } = refusingOnce();
    const body = new Blob(['streamed']).stream();
    const init = { method: 'POST', body, duplex: 'half' };
    expect((await session.fetch(API, init)).status).toBe(401);
    expect(arrivals).toHaveLength(1);
    expect(await session.token()).not.toBeNull();
  });

  test('does not happen after the caller has aborted', async () => {
    const abort = new AbortController();
    const token = newToken();
    const server = clientOf(async ({ init }) => {
      init?.signal?.throwIfAborted();
      await server.session.set(newToken(idOf(token)));
      abort.abort();
      return refused();
    });
    await server.session.set(token);
    await expect(server.session.fetch(API, { signal: abort.signal })).rejects.toThrow();
  });
});
