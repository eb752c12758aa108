// All in one file: the tests share a set-up of their own.

import { describe, expect, test, vi } from 'vitest';
import { bearer, cookie, createSessions, requireFresh, requireSession, SessionError } from '../../src/index.js';
import { type Context, requestOf, setUp } from './support/handle.js';

/** A handler that changes the session, and then has this outcome. */
function changing(outcome: () => Response) {
  return async ({ session }: Context) => {
    if (session) session.data.views = 7;
    await Promise.resolve();
    return outcome();
  };
}

function throwing(thrown: unknown): () => never {
  return () => {
    throw thrown;
  };
}

describe('handle', () => {
  test("rule 18: saves the handler's changes with one read and one write", async () => {
    const { sessions, store, views } = setUp();
    const { token } = await sessions.create({ userId: 'ann' });
    store.reset();
    const response = await sessions.handle(
      requestOf(token),
      changing(() => new Response('ok')),
    );
    expect([response.status, await response.text()]).toEqual([200, 'ok']);
    expect(store.calls).toMatchObject({ find: 1, replace: 1 });
    expect(await views(token)).toBe(7);
  });

  test('invariant 8: an anonymous request makes no store call', async () => {
    const { sessions, store } = setUp();
    await sessions.handle(requestOf(), ({ session }) => Response.json(session));
    expect(store.total()).toBe(0);
  });

  const outcomes: [string, () => Response, number | undefined][] = [
    ['a redirect', () => Response.redirect('https://app.example/y', 303), 7],
    ['an answer of 404', () => new Response(null, { status: 404 }), 7],
    ['an answer of 503', () => new Response(null, { status: 503 }), undefined],
    ['a network error', () => Response.error(), undefined],
    ['a thrown response', throwing(new Response('teapot', { status: 418 })), 7],
    ['a thrown response of 500', throwing(new Response(null, { status: 500 })), undefined],
    ['a thrown redirect of a host', throwing({ status: 302, location: '/y' }), 7],
    ['a thrown redirect for good', throwing({ status: 301, location: '/y' }), 7],
  ];

  test.each(outcomes)('rule 18: %s decides by its status', async (_, outcome, expected) => {
    const { sessions, views } = setUp();
    const { token } = await sessions.create({ userId: 'ann' });
    const response = await sessions.handle(requestOf(token), changing(outcome));
    expect(response).toBeInstanceOf(Response);
    expect(await views(token)).toBe(expected);
  });

  const errors: [string, unknown, number | undefined][] = [
    ['an error', new Error('oops'), undefined],
    ['an HTTP error of 404', Object.assign(new Error('not found'), { status: 404 }), 7],
    ['an HTTP error of 404 by statusCode', Object.assign(new Error('not found'), { statusCode: 404 }), 7],
    ['an error whose status is a text', Object.assign(new Error('odd'), { status: '404' }), undefined],
    ['an HTTP error of 400 with a location', Object.assign(new Error('bad'), { status: 400, location: '/y' }), 7],
    ['a list of choices', Object.assign(new Error('choices'), { status: 300, location: '/y' }), 7],
    ['a redirect to nowhere', Object.assign(new Error('moved'), { status: 302 }), 7],
    ['an HTTP error of 502', Object.assign(new Error('bad gateway'), { statusCode: 502 }), undefined],
    ['an error with a status below 300', Object.assign(new Error('odd body'), { status: 200 }), undefined],
    [
      'the redirect of Next.js',
      Object.assign(new Error('NEXT_REDIRECT'), { digest: 'NEXT_REDIRECT;replace;/y;307;' }),
      7,
    ],
    ['the notFound of Next.js', Object.assign(new Error('NEXT'), { digest: 'NEXT_HTTP_ERROR_FALLBACK;404' }), 7],
    ['the data() of React Router', { type: 'DataWithResponseInit', init: { status: 404 } }, 7],
  ];

  test.each(errors)('rule 18: %s is rethrown, and decides by its status', async (_, thrown, expected) => {
    const { sessions, views } = setUp();
    const { token } = await sessions.create({ userId: 'ann' });
    await expect(sessions.handle(requestOf(token), changing(throwing(thrown)))).rejects.toBe(thrown);
    expect(await views(token)).toBe(expected);
  });

  test('answers a thrown redirect of a host as that host would', async () => {
    const { sessions } = setUp({ sources: [bearer({ respond: true })] });
    const response = await sessions.handle(requestOf(), async (context) => {
      await context.sessions.create({ userId: 'ann' });
      throw { status: 307, location: '/y' };
    });
    expect([response.status, response.headers.get('location')]).toEqual([307, '/y']);
    expect(response.headers.get('session-token')).toMatch(/^ts_/);
  });

  test('returns the same response if there is nothing to add, and a network error as it is', async () => {
    const { sessions, store } = setUp({ sources: [bearer({ respond: true })] });
    const { token } = await sessions.create({ userId: 'ann' });
    const response = new Response('ok');
    expect(await sessions.handle(requestOf(token), () => response)).toBe(response);
    const ended = await sessions.handle(requestOf(token), async (context) => {
      await requireSession(context).destroy();
      return Response.error();
    });
    expect([ended.type, await store.count?.()]).toEqual(['error', 0]);
  });

  test('warns once if a handler throws what its host answers, because the token of a login is lost then', async () => {
    const { sessions, log } = setUp({ sources: [bearer({ respond: true })] });
    for (const isLogin of [false, true, true]) {
      const answer = sessions.handle(requestOf(), async (context) => {
        if (isLogin) await context.sessions.create({ userId: 'ann' });
        throw Object.assign(new Error('not found'), { status: 404 });
      });
      await expect(answer).rejects.toThrow('not found');
      expect(log).toHaveLength(isLogin ? 1 : 0);
    }
    expect(log).toEqual([expect.stringContaining('return a Response instead')]);
  });

  test('an error of the library leaves no session of a login, and no token', async () => {
    const { sessions, store } = setUp({ sources: [bearer({ respond: true })] });
    const response = await sessions.handle(requestOf(), async (context) => {
      await context.sessions.create({ userId: 'ann' });
      throw new SessionError('LIMIT_REACHED', 'too many');
    });
    expect([response.status, response.headers.get('session-token'), await store.count?.()]).toEqual([429, null, 0]);
  });

  test('of a request that was handled before begins from the start', async () => {
    const { sessions, store } = setUp();
    const { token } = await sessions.create({ userId: 'ann' });
    const request = requestOf(token);
    const answer = () => sessions.handle(request, ({ session }) => Response.json(session?.data.views ?? 0));
    expect(await (await answer()).json()).toBe(0);
    await (await sessions.fromToken(token)).session?.update((data) => {
      data.views = 3;
    });
    store.reset();
    expect(await (await answer()).json()).toBe(3);
    expect(store.calls.find).toBe(1);
  });

  test('inside handle leaves the head open for the outer handler, and shares the load', async () => {
    const { sessions, store } = setUp({ sources: [bearer({ respond: true }), cookie()] });
    const { token } = await sessions.create({ userId: 'guest' });
    store.reset();
    const request = requestOf(token);
    const response = await sessions.handle(request, async (context) => {
      const inner = await sessions.handle(request, ({ session }) => Response.json(session?.data.userId));
      expect(await inner.json()).toBe('guest');
      await context.sessions.create({ userId: 'ann' });
      return new Response();
    });
    expect(response.headers.get('session-token')).toMatch(/^ts_/);
    expect(store.calls).toMatchObject({ find: 1, insert: 1 });
  });

  test('rule 12: after another one inside handle, begins with what the outer handler has done since', async () => {
    const { sessions, store } = setUp();
    const { token } = await sessions.create({ userId: 'guest' });
    const request = requestOf(token);
    const seen: unknown[] = [];
    const look = () =>
      sessions.handle(request, ({ session }) => {
        seen.push(session?.data.userId);
        return new Response();
      });
    const response = await sessions.handle(request, async (context) => {
      await look();
      await context.sessions.create({ userId: 'ann' });
      await look();
      return new Response(null, { status: 500 });
    });
    expect([response.status, seen, await store.count?.()]).toEqual([500, ['guest', 'ann'], 1]);
    expect((await sessions.fromToken(token)).session?.data.userId).toBe('guest');
  });

  test('refuses a login after the answer, whose token no source could write any more', async () => {
    const { sessions, store } = setUp({ sources: [bearer({ respond: true })] });
    let late: Context | undefined;
    await sessions.handle(requestOf(), (context) => {
      late = context;
      return new Response();
    });
    await expect(late?.sessions.create({ userId: 'ann' })).rejects.toMatchObject({ code: 'HEADERS_SENT' });
    expect(store.calls.insert).toBe(0);
  });

  test('rule 18: a login of a failing handler leaves no session, and keeps the previous one', async () => {
    const { sessions, store } = setUp({ sources: [bearer({ respond: true })] });
    const { token } = await sessions.create({ userId: 'ann' });
    const failing = sessions.handle(requestOf(token), async (context) => {
      await context.sessions.create({ userId: 'bob' });
      throw new Error('oops');
    });
    await expect(failing).rejects.toThrow('oops');
    expect(await store.count?.()).toBe(1);
    expect((await sessions.fromToken(token)).session?.data.userId).toBe('ann');
  });

  test("rule 24: a login is written to every source that writes, is not cached, and keeps the answer's own headers", async () => {
    const { sessions } = setUp({ sources: [bearer({ respond: true }), cookie()] });
    const response = await sessions.handle(requestOf(), async (context) => {
      const { token } = await context.sessions.create({ userId: 'ann' });
      const headers = new Headers({ 'cache-control': 'public, max-age=60', 'access-control-expose-headers': 'ETag' });
      headers.append('set-cookie', 'theme=dark');
      headers.append('set-cookie', 'lang=en');
      return new Response(token, { status: 201, statusText: 'Made', headers });
    });
    const token = await response.text();
    expect([response.status, response.statusText]).toEqual([201, 'Made']);
    expect(response.headers.get('session-token')).toBe(token);
    expect(response.headers.get('access-control-expose-headers')).toBe('ETag, Session-Token');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const cookies = response.headers.getSetCookie().map((each) => each.split(';')[0]);
    expect(cookies).toEqual(['theme=dark', 'lang=en', `__Host-session=${token}`]);
  });

  test('a response object that is answered again carries no token of another request', async () => {
    const { sessions } = setUp({ sources: [bearer({ respond: true })] });
    const shared = new Response(null, { status: 204 });
    const login = await sessions.handle(requestOf(), async (context) => {
      await context.sessions.create({ userId: 'ann' });
      return shared;
    });
    expect(login.headers.get('session-token')).toMatch(/^ts_/);
    expect(shared.headers.get('session-token')).toBeNull();
  });

  test('writes an empty token when the session has ended', async () => {
    const { sessions } = setUp({ sources: [bearer({ respond: 'X-Session' })] });
    const { token } = await sessions.create({ userId: 'ann' });
    const response = await sessions.handle(requestOf(token), async (context) => {
      await requireSession(context).destroy();
      return new Response();
    });
    expect(response.headers.get('x-session')).toBe('');
    expect(response.headers.get('access-control-expose-headers')).toBe('X-Session');
  });

  test("a new token goes to the source of the request's token", async () => {
    const { sessions } = setUp({ sources: [bearer({ respond: true }), cookie()] });
    const { token } = await sessions.create({ userId: 'ann' });
    const rotate = async (context: Context) => {
      await requireSession(context).rotate();
      return new Response();
    };
    const byHeader = await sessions.handle(requestOf(token), rotate);
    expect([byHeader.headers.get('session-token'), byHeader.headers.getSetCookie()]).toEqual([
      expect.stringMatching(/^ts_/),
      [],
    ]);
    const byCookie = await sessions.handle(
      requestOf(undefined, { headers: { cookie: `__Host-session=${token}` } }),
      rotate,
    );
    expect([byCookie.headers.get('session-token'), byCookie.headers.getSetCookie()]).toEqual([
      null,
      [expect.any(String)],
    ]);
  });
});

describe('errors of handle', () => {
  async function problemOf(response: Response) {
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    return [response.status, (await response.json()).code, response.headers.get('www-authenticate')];
  }

  test('rule 26: a missing session is a 401 problem that says whether a token was sent', async () => {
    const { sessions } = setUp();
    const secret = (context: Context) => Response.json(requireSession(context).data);
    expect(await problemOf(await sessions.handle(requestOf(), secret))).toEqual([401, 'UNAUTHENTICATED', 'Bearer']);
    const refused = await sessions.handle(requestOf('nonsense'), secret);
    expect(await problemOf(refused)).toEqual([401, 'UNAUTHENTICATED', 'Bearer error="invalid_token"']);
  });

  test('invariant 6: an outage is 503, both when the session is loaded and when it is saved', async () => {
    const { sessions, store } = setUp();
    const { token } = await sessions.create({ userId: 'ann' });
    for (const failing of ['find', 'replace']) {
      store.before = (verb) => {
        if (verb === failing) throw new Error('db.internal refused');
      };
      const response = await sessions.handle(
        requestOf(token),
        changing(() => new Response('saved')),
      );
      expect(await problemOf(response.clone())).toEqual([503, 'STORE_UNAVAILABLE', null]);
      expect(await response.text()).not.toContain('db.internal');
    }
  });

  test('rule 26: an error inside the server reveals nothing to the client, and is logged', async () => {
    const { sessions, log } = setUp();
    const response = await sessions.handle(
      requestOf(),
      () => requireSession({ session: undefined as never }) as never,
    );
    expect(await problemOf(response)).toEqual([500, 'NOT_SUPPORTED', null]);
    expect(log).toEqual([expect.stringContaining('a request failed')]);
  });

  test('rule 26: without a logger, an error inside the server is on the console', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await createSessions<{ userId: string }>().handle(
      requestOf(),
      () => requireSession({ session: undefined as never }) as never,
    );
    expect(log.mock.calls).toEqual([[expect.stringContaining('a request failed')]]);
    log.mockRestore();
  });

  test('a handler fails if it does not return a Response', async () => {
    const { sessions, views } = setUp();
    const { token } = await sessions.create({ userId: 'ann' });
    await expect(
      sessions.handle(
        requestOf(token),
        changing(() => undefined as never),
      ),
    ).rejects.toThrow('must return a Response');
    expect(await views(token)).toBeUndefined();
  });

  test('rule 26: a user with an unreadable record can still log in and log out', async () => {
    const { sessions, store } = setUp();
    const { token, id } = await sessions.create({ userId: 'ann' });
    const record = await store.find(id);
    if (record) await store.replace({ ...record, version: 'x', body: '{' }, record.version, 1_000_000);
    const read = await sessions.handle(requestOf(token), ({ session }) => Response.json(session?.data));
    expect(read.status).toBe(500);
    const login = await sessions.handle(
      requestOf(token),
      async (context) => new Response((await context.sessions.create({ userId: 'bob' })).token),
    );
    expect((await sessions.fromToken(await login.text())).session?.data.userId).toBe('bob');
  });

  test('rule 25: a login from another site is refused, and leaves nothing', async () => {
    const { sessions, store } = setUp({ sources: [cookie()] });
    const request = requestOf(undefined, {
      method: 'POST',
      headers: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    });
    const response = await sessions.handle(
      request,
      async (context) => new Response((await context.sessions.create({ userId: 'eve' })).token),
    );
    expect(await problemOf(response)).toEqual([403, 'CROSS_SITE', null]);
    expect(store.calls.insert).toBe(0);
  });
});

describe('a required step-up', () => {
  const STEP_UP = 'Bearer error="insufficient_user_authentication", max_age=60';

  async function refuse(handler: (context: Context) => Promise<Response> | Response) {
    const { sessions, clock } = setUp();
    const { token } = await sessions.create({ userId: 'ann', views: 0 });
    clock.advance(61_000);
    const response = await sessions.handle(requestOf(token), handler);
    expect([response.status, (await response.json()).code]).toEqual([401, 'STEP_UP_REQUIRED']);
    return response.headers.get('www-authenticate');
  }

  test('is reported to the client if nothing ran before', async () => {
    const fresh = (context: Context) => Response.json(requireFresh(context, '1m').data);
    expect(await refuse(fresh)).toBe(STEP_UP);
    expect(await refuse(async (context) => fresh(context))).toBe(STEP_UP);
  });

  test('is not reported if something ran, because the client would repeat it', async () => {
    const afterWaiting = async (context: Context) => {
      await Promise.resolve();
      return Response.json(requireFresh(context, '1m').data);
    };
    const afterChange = (context: Context) => {
      if (context.session) context.session.data.views = 1;
      return Response.json(requireFresh(context, '1m').data);
    };
    expect(await refuse(afterWaiting)).toBe('Bearer');
    expect(await refuse(afterChange)).toBe('Bearer');
  });
});

test('a login in the body of a stream takes effect immediately', async () => {
  const { sessions } = setUp();
  const { token } = await sessions.create({ userId: 'guest' });
  const response = await sessions.handle(requestOf(token), (context) => {
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
      const created = await context.sessions.create({ userId: 'ann' });
      controller.enqueue(new TextEncoder().encode(created.token));
      controller.close();
    };
    return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }));
  });
  const created = await response.text();
  expect((await sessions.fromToken(created)).session?.data.userId).toBe('ann');
  expect((await sessions.fromToken(token)).session).toBeNull();
});

test('fromRequest returns only the context', async () => {
  const { sessions, store } = setUp({ sources: [bearer({ respond: true })] });
  const { token } = await sessions.create({ userId: 'ann' });
  store.reset();
  const { session } = await sessions.fromRequest(requestOf(token));
  if (session) session.data.views = 1;
  expect([session?.data.userId, store.calls]).toEqual(['ann', { insert: 0, find: 1, replace: 0, delete: 0 }]);
  const context = await sessions.fromRequest(requestOf());
  const created = await context.sessions.create({ userId: 'bob' });
  expect(context.sessions.responseHeaders.get('session-token')).toBe(created.token);
});
