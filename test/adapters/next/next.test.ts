// All in one file: the tests share a set-up of their own.

// Must come before Next.js, which takes AsyncLocalStorage from here.
import 'next/dist/server/node-environment-baseline.js';

import { initTRPC } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { notFound, redirect } from 'next/navigation.js';
import { NextRequest, NextResponse } from 'next/server.js';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { trpcSessions } from '../../../src/adapters/trpc/index.js';
import { bearer, type RequestSessions, requireSession, type Session } from '../../../src/index.js';
import { testClock } from '../../support/clock.js';
import { collector } from '../../support/collect.js';
import { inPrerender, nextScope } from './support/scope.js';
import { type Context, change, type Data, login, setUp } from './support/set-up.js';

describe('getSession', () => {
  test('a whole render loads the session once', async () => {
    const { asAnn, getSession, store } = await setUp();
    const scope = asAnn();
    const both = await scope.inRender(() => Promise.all([getSession(), getSession()]));
    const later = await scope.inRender(() => getSession());
    expect([...both, later].map((session) => session?.data.userId)).toEqual(['ann', 'ann', 'ann']);
    expect(store.total()).toBe(1);
  });

  test('invariant 8: an anonymous render makes no store call', async () => {
    const { getSession, store } = await setUp();
    expect(await nextScope().inRender(() => getSession())).toBeNull();
    expect(store.total()).toBe(0);
  });

  test('rule 25: a page that is reached through a link on another site has its session', async () => {
    const { asAnn, getSession } = await setUp();
    const link = asAnn({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' });
    expect((await link.inRender(() => getSession()))?.data.userId).toBe('ann');
    const posted = asAnn({
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'content-type': 'text/plain',
    });
    expect(await posted.inRender(() => getSession())).toBeNull();
  });

  test('it never rotates, and an explicit rotation fails with a message that names route and action', async () => {
    const { asAnn, getSession, store } = await setUp({ rotateEvery: 1 });
    const scope = asAnn();
    const session = await scope.inRender(() => getSession());
    await expect(session?.rotate()).rejects.toThrow(/route\(\) or action\(\)/);
    expect([store.calls.replace, scope.lines()]).toEqual([0, []]);
  });

  test('a change of its data is warned about, as nothing saves it', async () => {
    const { asAnn, getSession, views, warnings } = await setUp();
    await asAnn().inRender(async () => {
      const session = await getSession();
      if (session) session.data.views = 7;
    });
    const collect = collector();
    await vi.waitFor(() => {
      collect();
      expect(warnings).toEqual([expect.stringContaining('session.data was changed where nothing saves it')]);
    });
    expect(await views()).toBeUndefined();
  });

  test('invariant 6: an outage is not a logout', async () => {
    const { asAnn, getSession, store } = await setUp();
    store.before = () => {
      throw new Error('db.internal refused');
    };
    await expect(asAnn().inRender(() => getSession())).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      status: 503,
    });
  });

  test('a sub-request of another user in one render has its own session', async () => {
    const { asAnn, getSession, sessions } = await setUp();
    const { token } = await sessions.create({ userId: 'bob' });
    const [ann, bob] = await Promise.all([
      asAnn().inRender(() => getSession()),
      nextScope({ cookie: `sid=${token}` }).inRender(() => getSession()),
    ]);
    expect([ann?.data.userId, bob?.data.userId]).toEqual(['ann', 'bob']);
  });
});

describe('action', () => {
  test('rule 24: a login writes its cookie with its attributes', async () => {
    const { action, sessions } = await setUp();
    const scope = nextScope();
    await scope.inAction(() => action(login)('bob'));
    const [line, ...others] = scope.lines();
    expect(others).toEqual([]);
    expect(line).toMatch(/^sid=ts_.*; Path=\/;.*Max-Age=2592000;.*Secure; HttpOnly; SameSite=lax$/);
    expect((await sessions.fromToken(line?.split(/[=;]/)[1])).session?.data.userId).toBe('bob');
  });

  test('gets the context before its own arguments, and returns the result', async () => {
    const { action, asAnn } = await setUp();
    const greet = action(
      async ({ session }, greeting: string, mark: string) => `${greeting} ${session?.data.userId}${mark}`,
    );
    expectTypeOf(greet).toEqualTypeOf<(greeting: string, mark: string) => Promise<string>>();
    expect(await asAnn().inAction(() => greet('hello', '!'))).toBe('hello ann!');
  });

  const redirecting = () => redirect('/');
  const missing = () => notFound();
  const failing = () => {
    throw new Error('oops');
  };
  // As axios and others make it. Next.js answers it with 500.
  const failingBelow500 = () => {
    throw Object.assign(new Error('not found'), { status: 404 });
  };

  test.each([
    ['a redirect', redirecting, 'NEXT_REDIRECT', 7],
    ['notFound()', missing, 'NEXT_HTTP_ERROR_FALLBACK;404', 7],
    ['an error', failing, 'oops', undefined],
    ['an error of a client whose server answered 404', failingBelow500, 'not found', undefined],
  ])('rule 18: %s is rethrown, and decides', async (_, outcome, message, expected) => {
    const { action, asAnn, views } = await setUp();
    const run = action(async (context: Context) => {
      change(context);
      await Promise.resolve();
      outcome();
    });
    await expect(asAnn().inAction(() => run())).rejects.toThrow(message);
    expect(await views()).toBe(expected);
  });

  test('a login that redirects has its cookie; one that fails has none, and leaves no session', async () => {
    const { action, store } = await setUp();
    const scope = nextScope();
    const run = action(async (context: Context, outcome: () => never) => {
      await login(context, 'bob');
      outcome();
    });
    await expect(scope.inAction(() => run(failing))).rejects.toThrow('oops');
    expect([scope.lines(), await store.count?.()]).toEqual([[], 1]);
    await expect(scope.inAction(() => run(redirecting))).rejects.toThrow('NEXT_REDIRECT');
    expect([scope.cookies(), await store.count?.()]).toEqual([[expect.stringMatching(/^sid=ts_/)], 2]);
  });

  test('invariant 6: a change that cannot be saved makes the action fail', async () => {
    const { action, asAnn, store } = await setUp();
    store.before = (verb) => {
      if (verb === 'replace') throw new Error('db.internal refused');
    };
    const run = action(async (context: Context) => {
      change(context);
      redirect('/');
    });
    await expect(asAnn().inAction(() => run())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  test('rule 24: a logout deletes the cookie', async () => {
    const { action, asAnn, store } = await setUp();
    const scope = asAnn();
    await scope.inAction(() => action(async (context) => requireSession(context).destroy())());
    expect(scope.lines()).toEqual([expect.stringMatching(/^sid=;.*(Max-Age=0|Expires=Thu, 01 Jan 1970)/)]);
    expect(await store.count?.()).toBe(0);
  });

  test('the render after a login sees it', async () => {
    const { action, asAnn, getSession } = await setUp();
    const scope = asAnn();
    await scope.inAction(() => action(login)('bob'));
    expect((await scope.inRender(() => getSession()))?.data.userId).toBe('bob');
  });

  test('the render after a logout sees it', async () => {
    const { action, asAnn, getSession } = await setUp();
    const leaving = asAnn();
    await leaving.inAction(() => action(async (context) => requireSession(context).destroy())());
    expect(await leaving.inRender(() => getSession())).toBeNull();
  });

  test('getSession inside an action returns its session, with its changes and its login', async () => {
    const { action, asAnn, getSession, store } = await setUp();
    const run = action(async (context: Context) => {
      change(context);
      const before = (await getSession())?.data.views;
      await login(context, 'bob');
      return [before, (await getSession())?.data.userId];
    });
    expect(await asAnn().inAction(() => run())).toEqual([7, 'bob']);
    expect(store.calls.find).toBe(1);
  });

  test('after another one in the same request has an outcome of its own', async () => {
    const { action, asAnn, sessions, store, views } = await setUp();
    const scope = asAnn();
    await scope.inAction(async () => {
      await action(async (context) => change(context))();
      await action(login)('bob');
      await expect(
        action(async (context) => {
          await login(context, 'cid');
          throw new Error('oops');
        })(),
      ).rejects.toThrow('oops');
    });
    // The login of the second one has replaced the session.
    expect([await views(), await store.count?.()]).toEqual([undefined, 1]);
    const token = scope.cookies()[0]?.slice('sid='.length);
    expect((await sessions.fromToken(token)).session?.data.userId).toBe('bob');
  });

  test('after another one in the same request loads the session again', async () => {
    const { action, asAnn, sessions, id } = await setUp();
    const look = action(async ({ session }) => session?.data.views);
    const seen = await asAnn().inAction(async () => {
      const first = await look();
      await (await sessions.find(id))?.update((data) => {
        data.views = 9;
      });
      return [first, await look()];
    });
    expect(seen).toEqual([undefined, 9]);
  });

  test('rule 21: a rotated token is written only within the grace', async () => {
    const clock = testClock();
    const { action, asAnn } = await setUp({ now: clock.now, rotationGrace: '30s' });
    const rotate = action(async (context: Context, after: number) => {
      await requireSession(context).rotate();
      clock.advance(after);
    });
    for (const [after, cookies] of [
      [30_001, []],
      [0, [expect.stringMatching(/^sid=ts_/)]],
    ] as const) {
      const scope = asAnn();
      await scope.inAction(() => rotate(after));
      expect(scope.cookies()).toEqual(cookies);
    }
  });

  test('without a token to write warns of nothing, and writes nothing', async () => {
    const { action, asAnn, views, warnings } = await setUp();
    const scope = asAnn();
    await scope.inAction(() => action(async (context) => change(context))());
    expect([await views(), warnings, scope.lines()]).toEqual([7, [], []]);
  });

  test('rule 12: an action that calls another action shares its load, and its outcome', async () => {
    const { action, asAnn, store } = await setUp();
    const inner = action(async (context: Context) => {
      await login(context, 'bob');
      return context.sessions.current?.data.userId;
    });
    const outer = action(async () => {
      const seen = await inner();
      throw new Error(`inner: ${seen}`);
    });
    const scope = asAnn();
    await expect(scope.inAction(() => outer())).rejects.toThrow('inner: bob');
    expect(store.calls).toMatchObject({ find: 1, insert: 1 });
    expect([scope.cookies(), await store.count?.()]).toEqual([[], 1]);
  });

  test('an earlier look at the session does not prevent the action from writing', async () => {
    const { action, asAnn, getSession } = await setUp();
    const scope = asAnn();
    await scope.inAction(async () => {
      await getSession();
      await action(login)('bob');
    });
    expect(scope.cookies()).toEqual([expect.stringMatching(/^sid=ts_/)]);
  });

  test('a create during a render inserts nothing, and its error names route and action', async () => {
    const { action, asAnn, getSession, store } = await setUp();
    const scope = asAnn();
    const rendering = scope.inRender(async () => {
      await getSession();
      await action(login)('bob');
    });
    await expect(rendering).rejects.toMatchObject({
      code: 'HEADERS_SENT',
      message: expect.stringMatching(/route\(\) or action\(\)/),
    });
    expect([store.calls.insert, scope.lines()]).toEqual([0, []]);
  });

  test('a token that only a header could carry causes a warning', async () => {
    const { action, warnings } = await setUp({ sources: [bearer({ respond: true })] });
    await nextScope().inAction(() => action(login)('bob'));
    expect(warnings).toEqual([expect.stringContaining('a server action can write only cookies')]);
  });

  test('rule 12: a server-side caller of tRPC runs in the action', async () => {
    const { action, asAnn, sessions, views, store } = await setUp();
    const { requireSession: required } = trpcSessions(sessions);
    const t = initTRPC.context<Context>().create();
    const router = t.router({
      visit: t.procedure.concat(required).mutation(({ ctx }) => {
        ctx.session.data.views = 3;
        return ctx.session.data.userId;
      }),
    });
    const run = action((context: Context) => router.createCaller(context).visit());
    expect(await asAnn().inAction(() => run())).toBe('ann');
    expect(store.calls).toMatchObject({ find: 1, replace: 1 });
    expect(await views()).toBe(3);
  });
});

describe('route', () => {
  const requestOf = (token: string, init: ConstructorParameters<typeof NextRequest>[1] = {}) =>
    new NextRequest('https://app.example/api', { ...init, headers: { cookie: `sid=${token}` } });

  test('gets the context before the arguments of Next.js, saves and answers', async () => {
    const { route, token, views, asAnn } = await setUp();
    const POST = route(async (context, request: NextRequest, { params }: { params: Promise<{ id: string }> }) => {
      change(context);
      return NextResponse.json({ path: request.nextUrl.pathname, id: (await params).id });
    });
    const answer = await asAnn().inAction(() =>
      POST(requestOf(token, { method: 'POST' }), { params: Promise.resolve({ id: '5' }) }),
    );
    expect(await answer.json()).toEqual({ path: '/api', id: '5' });
    expect(await views()).toBe(7);
  });

  test('rule 24: a login is on the response, beside the cookies of the application', async () => {
    const { route } = await setUp();
    const POST = route(async (context, _request: NextRequest) => {
      await login(context, 'bob');
      const answer = NextResponse.json({});
      answer.cookies.set('theme', 'dark');
      return answer;
    });
    const answer = await nextScope().inAction(() =>
      POST(new NextRequest('https://app.example/api', { method: 'POST' })),
    );
    expect(answer.headers.getSetCookie().map((each) => each.split('=')[0])).toEqual(['theme', 'sid']);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('rule 18: redirect() after a login is rethrown, with the cookie set', async () => {
    const { route } = await setUp();
    const GET = route(async (context, _request: NextRequest) => {
      await login(context, 'bob');
      redirect('/');
    });
    const scope = nextScope();
    const answer = scope.inAction(() => GET(new NextRequest('https://app.example/api')));
    await expect(answer).rejects.toThrow('NEXT_REDIRECT');
    expect(scope.cookies()).toEqual([expect.stringMatching(/^sid=ts_/)]);
  });

  test('rule 18: an error of a client whose server answered 404 drops the changes', async () => {
    const { route, token, views, asAnn } = await setUp();
    const POST = route(async (context, _request: NextRequest) => {
      change(context);
      throw Object.assign(new Error('not found'), { status: 404 });
    });
    await expect(asAnn().inAction(() => POST(requestOf(token, { method: 'POST' })))).rejects.toThrow('not found');
    expect(await views()).toBe(undefined);
  });

  test('rule 26: its errors are problems, also outside Next.js', async () => {
    const { route } = await setUp();
    const GET = route((context, _request: Request) => Response.json(requireSession(context).data));
    const answer = await GET(new Request('https://app.example/api'));
    expect([answer.status, (await answer.json()).code]).toEqual([401, 'UNAUTHENTICATED']);
  });

  test('stops the build of a static answer, as headers() does, and makes no store call', async () => {
    const { route, store } = await setUp();
    const GET = route((_context, _request: NextRequest) => new Response());
    const built = inPrerender(() => GET(new NextRequest('https://app.example/api')));
    await expect(built).rejects.toMatchObject({ digest: 'DYNAMIC_SERVER_USAGE' });
    expect(store.total()).toBe(0);
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['the arguments of an action', new FormData()],
    ['an object with headers alone', { headers: new Headers() }],
    ['an object with a url alone', { url: 'https://app.example/api', headers: {} }],
  ])('refuses anything but a request: %s', async (_name, argument) => {
    const { route } = await setUp();
    const run = route((_context, ..._args: unknown[]) => new Response());
    await expect(run(argument)).rejects.toThrow('Next.js passes it the request');
  });

  test('getSession and tRPC inside a route share its session and its load', async () => {
    const { asAnn, getSession, route, sessions, store, token } = await setUp();
    const { createContext, responseMeta, requireSession: required } = trpcSessions(sessions);
    const t = initTRPC.context<typeof createContext>().create();
    const router = t.router({ whoAmI: t.procedure.concat(required).query(({ ctx }) => ctx.session.data.userId) });
    const GET = route(async (_context, req: NextRequest) => {
      expect((await getSession())?.data.userId).toBe('ann');
      return fetchRequestHandler({ endpoint: '/api', req, router, createContext, responseMeta });
    });
    const request = new NextRequest('https://app.example/api/whoAmI', {
      headers: { cookie: `theme=dark; sid=${token}` },
    });
    const answer = await asAnn().inAction(() => GET(request));
    expect(await answer.json()).toEqual({ result: { data: 'ann' } });
    expect(store.total()).toBe(1);
  });
});

test('invariant 10: the context is typed', async () => {
  const { action, getSession } = await setUp();
  expectTypeOf(getSession).returns.resolves.toEqualTypeOf<Session<Data> | null>();
  action(async ({ session, sessions }) => {
    expectTypeOf(session).toEqualTypeOf<Session<Data> | null>();
    expectTypeOf(sessions).toEqualTypeOf<RequestSessions<Data>>();
  });
});
