import { GraphQLError } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { describe, expect, test, vi } from 'vitest';
import { requireSession, useSession } from '../../../src/adapters/yoga/index.js';
import { cookie, header, type SessionContext } from '../../../src/index.js';
import { listenInTest } from '../../support/http.js';
import { ANN, type Data, type Handlers, makeSchema } from './support/app.js';
import { bearer, post, resultOf } from './support/client.js';
import { makeSessions, startYoga } from './support/setup.js';

describe('the calls of the store', () => {
  const run = {
    theme: ({ session }: { session: { data: Data } | null }) => session?.data.theme ?? 'anonymous',
    darken: (ctx: Parameters<typeof requireSession<Data>>[0]) => {
      requireSession(ctx).data.theme = 'dark';
      return 'done';
    },
  };

  test('invariant 8: an invalid operation makes no store call', async () => {
    const { store, asAnn } = await startYoga({ run });
    expect((await asAnn('{ nothing }')).status).toBe(200);
    expect((await asAnn('{ run(op: "theme"')).status).toBe(200);
    expect(store.total()).toBe(0);
  });

  test('invariant 8: an operation with several fields loads the session once, and writes once', async () => {
    const { store, asAnn, stored } = await startYoga({ run });
    await asAnn('mutation { a: run(op: "theme") b: run(op: "darken") c: run(op: "theme") d: run(op: "darken") }');
    expect(store.calls).toEqual({ insert: 0, find: 1, replace: 1, delete: 0 });
    expect((await stored())?.theme).toBe('dark');
  });
});

describe('what is saved', () => {
  const run = {
    darken: (ctx: Parameters<typeof requireSession<Data>>[0]) => {
      requireSession(ctx).data.theme = 'dark';
      return 'done';
    },
    fail: () => {
      throw new GraphQLError('refused');
    },
    nothing: () => null,
  };

  test('invariant 11: drops the changes of an operation whose data is null', async () => {
    const { asAnn, stored, store } = await startYoga({ run });
    const answer = resultOf(await asAnn('mutation { run(op: "darken") required(op: "fail") }'));
    expect(answer.data).toBeNull();
    expect((await stored())?.theme).toBe('light');
    expect(store.calls.replace).toBe(0);
  });

  test('invariant 11: saves an operation that returns partial data', async () => {
    const { asAnn, stored } = await startYoga({ run });
    const answer = resultOf(await asAnn('mutation { run(op: "darken") other: run(op: "fail") }'));
    expect(answer).toMatchObject({ data: { run: 'done', other: null }, errors: [{ message: 'refused' }] });
    expect((await stored())?.theme).toBe('dark');
  });

  test('invariant 11: drops the changes of an operation whose fields all failed, even if they may be null', async () => {
    const run = {
      darkenAndFail: (ctx: Parameters<typeof requireSession<Data>>[0]) => {
        requireSession(ctx).data.theme = 'dark';
        throw new GraphQLError('refused');
      },
    };
    const { asAnn, stored } = await startYoga({ run });
    expect(resultOf(await asAnn('mutation { run(op: "darkenAndFail") }')).data).toEqual({ run: null });
    expect((await stored())?.theme).toBe('light');
  });

  test('invariant 11: treats a field that is null without an error as successful', async () => {
    const { asAnn, stored } = await startYoga({
      run: {
        ...run,
        darkenQuietly: (ctx) => {
          requireSession(ctx).data.theme = 'dark';
          return null;
        },
      },
    });
    expect(resultOf(await asAnn('mutation { run(op: "darkenQuietly") other: run(op: "fail") }')).data).toEqual({
      run: null,
      other: null,
    });
    expect((await stored())?.theme).toBe('dark');
  });

  test('a session that ended during the operation causes an event, and the operation succeeds', async () => {
    const { sessions, asAnn, id, store } = await startYoga({
      run: {
        darkenAfterTheEnd: async (ctx) => {
          requireSession(ctx).data.theme = 'dark';
          await sessions.destroy(requireSession(ctx).id);
          return 'done';
        },
      },
    });
    const gone = vi.fn();
    sessions.on('gone', gone);
    expect(resultOf(await asAnn('mutation { run(op: "darkenAfterTheEnd") }')).data).toEqual({ run: 'done' });
    expect(gone).toHaveBeenCalledWith({ id, ownerId: 'ann' });
    expect(await store.count?.()).toBe(0);
  });
});

describe('requireSession', () => {
  test('follows earlier fields: after a login it returns the new session, after a logout it refuses', async () => {
    const { send, stored } = await startYoga({
      run: {
        login: async ({ sessions }) => (await sessions.create({ userId: 'bob', theme: 'light', views: 0 })).token,
        visit: (ctx) => {
          const session = requireSession(ctx);
          session.data.views += 1;
          return session.data.userId;
        },
        logout: (ctx) => requireSession(ctx).destroy(),
      },
    });
    const login = resultOf(
      await send('mutation { token: run(op: "login") a: run(op: "visit") b: run(op: "visit") }'),
    ).data;
    expect(login).toMatchObject({ a: 'bob', b: 'bob' });
    const token = String(login?.['token']);
    expect((await stored(token))?.views).toBe(2);
    const logout = resultOf(await send('mutation { run(op: "logout") after: run(op: "visit") }', bearer(token)));
    expect(logout).toMatchObject({
      data: { after: null },
      errors: [{ extensions: { code: 'UNAUTHENTICATED' }, path: ['after'] }],
    });
  });

  test('explains what is missing without the plugin', async () => {
    const error = vi.fn();
    const yoga = createYoga({
      schema: makeSchema({ run: { theme: (ctx) => requireSession(ctx).data.theme } }),
      logging: { debug() {}, info() {}, warn() {}, error },
    });
    const { url } = await listenInTest(yoga);
    const answer = resultOf(await post(`${url}/graphql`, { query: '{ run(op: "theme") }' }));
    expect(answer.errors?.[0]?.message).toBe('Unexpected error.');
    expect(error.mock.calls.join()).toContain('add useSession(sessions) to the plugins');
  });
});

test('the plugins after this one find the session on the context while it is built', async () => {
  const seen = vi.fn();
  const later = {
    onContextBuilding: ({ context }: { context: { session?: { data: Data } | null } }) =>
      seen(context.session?.data.userId),
  };
  const { asAnn } = await startYoga({ run: { news: () => 'news' } }, { plugins: [later] });
  await asAnn('{ run(op: "news") }');
  expect(seen.mock.calls).toEqual([['ann']]);
});

test('what a plugin after this one puts in the place of the session stays there', async () => {
  const later = {
    onContextBuilding: ({ extendContext }: { extendContext(more: object): void }) => extendContext({ session: null }),
  };
  const who: Handlers['run'] = { who: ({ session }) => session?.data.userId ?? 'anonymous' };
  const { asAnn } = await startYoga({ run: who }, { plugins: [later] });
  expect(resultOf(await asAnn('{ run(op: "who") }')).data).toEqual({ run: 'anonymous' });
});

describe("the application's own context()", () => {
  async function withContext(context: (ctx: { sessions?: { load(): Promise<unknown> } }) => Promise<object>) {
    const made = await makeSessions();
    const schema = makeSchema({ run: { user: (ctx) => Reflect.get(ctx, 'user') } });
    const yoga = createYoga<object, object>({ schema, logging: false, context, plugins: [useSession(made.sessions)] });
    const { url } = await listenInTest(yoga);
    return { ...made, ask: async () => post(`${url}/graphql`, { query: '{ run(op: "user") }' }, bearer(made.token)) };
  }

  test('can load the session, which is still loaded once', async () => {
    const { ask, store } = await withContext(async ({ sessions }) => {
      const session = await sessions?.load();
      return { user: JSON.stringify(session) };
    });
    expect(JSON.parse(String(resultOf(await ask()).data?.['run']))).toMatchObject({ data: { userId: 'ann' } });
    expect(store.calls.find).toBe(1);
  });

  test('invariant 6: an outage that it throws is an outage to the client', async () => {
    const { ask, store } = await withContext(async ({ sessions }) => ({ user: await sessions?.load() }));
    store.before = () => {
      throw new Error('connection refused by db.internal');
    };
    const answer = await ask();
    expect(answer.status).toBe(503);
    expect(resultOf(answer).errors?.[0]?.extensions).toEqual({ code: 'SERVICE_UNAVAILABLE' });
    expect(answer.text).not.toContain('db.internal');
  });

  test('keeps its own errors unchanged', async () => {
    const { ask } = await withContext(async () => {
      throw new GraphQLError('no tenant', { extensions: { code: 'NO_TENANT', http: { status: 421 } } });
    });
    const answer = await ask();
    expect(answer.status).toBe(421);
    expect(resultOf(answer).errors).toEqual([{ message: 'no tenant', extensions: { code: 'NO_TENANT' } }]);
  });
});

describe('the headers of the response', () => {
  const run = {
    login: async ({ sessions }: { sessions: { create(data: Data): Promise<{ token: string }> } }) =>
      (await sessions.create({ userId: 'bob', theme: 'light', views: 0 })).token,
  };

  test('contain what the sources write, and no-store with a token', async () => {
    const { send } = await startYoga({ run }, {}, { sources: [header('x-auth-token', { respond: true }), cookie()] });
    const answer = await send('mutation { run(op: "login") }');
    expect(answer.headers.get('x-auth-token')).toBe(resultOf(answer).data?.['run']);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringContaining(`__Host-session=${resultOf(answer).data?.['run']}`),
    ]);
  });

  test('are on the answer of their operation only, if a later answer to the same request ran none', async () => {
    const { sessions } = await makeSessions({ sources: [cookie('sid')] });
    let isClosed = false;
    const closed: Plugin = {
      onRequest({ endResponse }) {
        if (isClosed) endResponse(new Response('closed', { status: 503 }));
      },
    };
    const yoga = createYoga({
      schema: makeSchema({ run }),
      logging: false,
      plugins: [useSession(sessions), closed],
    });
    const request = new Request('https://app.example/graphql?query={run(op:"login")}');
    const first = await yoga.fetch(request);
    expect(first.headers.getSetCookie()).toEqual([expect.stringContaining(`sid=${(await first.json()).data.run}`)]);
    isClosed = true;
    const second = await yoga.fetch(request);
    expect([second.status, second.headers.getSetCookie()]).toEqual([503, []]);
  });

  test('stay unchanged if the session was only read, or never used', async () => {
    const { asAnn, url } = await startYoga({ run: { theme: () => 'light' } });
    expect((await asAnn('{ run(op: "theme") }')).headers.get('cache-control')).toBeNull();
    const preflight = await fetch(`${url}/graphql`, { method: 'OPTIONS', headers: { origin: 'https://app.example' } });
    const health = await fetch(`${url}/health`);
    const graphiql = await fetch(`${url}/graphql`, { headers: { accept: 'text/html' } });
    expect([preflight.status, health.status, graphiql.status]).toEqual([204, 200, 200]);
    expect(await graphiql.text()).toContain('GraphiQL');
    for (const each of [preflight, health, graphiql]) expect(each.headers.get('cache-control')).toBeNull();
  });
});

test.each(['before', 'after'])(
  'rule 24: an answer with a token is not cached, if a plugin %s this one sets the header',
  async (place) => {
    const { sessions } = await makeSessions({ sources: [cookie('sid')] });
    const cached: Plugin = {
      onResponse({ response }) {
        response.headers.set('cache-control', 'public, max-age=60');
        response.headers.append('set-cookie', 'own=1');
      },
    };
    const login = (ctx: SessionContext<Data>) => ctx.sessions.create(ANN).then(() => 'in');
    const plugins = place === 'before' ? [cached, useSession(sessions)] : [useSession(sessions), cached];
    const yoga = createYoga({ schema: makeSchema({ run: { login, none: () => 'x' } }), logging: false, plugins });
    const { url } = await listenInTest(yoga);
    const { headers } = await post(`${url}/graphql`, { query: 'mutation { run(op: "login") }' });
    expect(headers.get('cache-control')).toBe('no-store');
    expect(
      headers
        .getSetCookie()
        .map((each) => each.split('=')[0])
        .sort(),
    ).toEqual(['own', 'sid']);
    const other = await post(`${url}/graphql`, { query: 'mutation { run(op: "none") }' });
    expect(other.headers.get('cache-control')).toBe('public, max-age=60');
  },
);
