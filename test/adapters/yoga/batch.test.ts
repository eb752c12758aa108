import { GraphQLError } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { describe, expect, test } from 'vitest';
import { requireSession, useSession } from '../../../src/adapters/yoga/index.js';
import { gate } from '../../support/gate.js';
import { listenInTest } from '../../support/http.js';
import { type Handlers, makeSchema } from './support/app.js';
import { bearer, codesOf, type HttpAnswer, post, type Result } from './support/client.js';
import { makeSessions, startYoga } from './support/setup.js';

const handlers: Handlers = {
  run: {
    darken: (ctx) => {
      requireSession(ctx).data.theme = 'dark';
      return 'done';
    },
    visit: (ctx) => {
      requireSession(ctx).data.views += 1;
      return 'done';
    },
    promote: (ctx) => {
      requireSession(ctx).data.role = 'editor';
      return 'done';
    },
    theme: ({ session }) => session?.data.theme ?? null,
    escalateAndFail: (ctx) => {
      requireSession(ctx).data.role = 'admin';
      throw new GraphQLError('refused');
    },
  },
};

function resultsOf({ text }: HttpAnswer): Result[] {
  const results: Result[] = JSON.parse(text);
  return results;
}

const mutation = (op: string) => `mutation { run(op: "${op}") }`;

describe('a batch', () => {
  test('invariant 8: of three changes loads the session once and writes once', async () => {
    const { asAnn, store, stored } = await startYoga(handlers);
    const results = resultsOf(await asAnn([mutation('darken'), mutation('visit'), mutation('promote')]));
    expect(results).toEqual(Array(3).fill({ data: { run: 'done' } }));
    expect(store.calls).toEqual({ insert: 0, find: 1, replace: 1, delete: 0 });
    expect(await stored()).toEqual({ userId: 'ann', theme: 'dark', views: 1, role: 'editor' });
  });

  test('invariant 8: loads and writes once even if operations begin after others have ended', async () => {
    const made = await makeSessions();
    const late = gate();
    const schema = makeSchema({
      run: { ...handlers.run, darken: (ctx) => [handlers.run?.['darken']?.(ctx, ''), setImmediate(late.open)][0] },
    });
    const yoga = createYoga<object, object>({
      schema,
      batching: true,
      logging: false,
      // The second operation does not exist before the first one is done.
      context: async ({ params }) => {
        if (params.query?.includes('visit')) await late.opened;
        return {};
      },
      plugins: [useSession(made.sessions)],
    });
    const { url } = await listenInTest(yoga);
    const batch = [{ query: mutation('darken') }, { query: mutation('visit') }];
    await post(`${url}/graphql`, batch, bearer(made.token));
    expect(made.store.calls).toMatchObject({ find: 1, replace: 1 });
    expect(await made.stored()).toMatchObject({ theme: 'dark', views: 1 });
  });

  test('invariant 11: saves nothing of an operation that fails, and saves its neighbours', async () => {
    const { asAnn, stored } = await startYoga(handlers);
    const results = resultsOf(
      await asAnn([mutation('escalateAndFail'), mutation('darken'), mutation('escalateAndFail')]),
    );
    expect(results.map((each) => each.errors?.[0]?.message)).toEqual(['refused', undefined, 'refused']);
    expect(await stored()).toEqual({ userId: 'ann', theme: 'dark', views: 0 });
  });

  test('does not show an operation the unsaved changes of another', async () => {
    const { asAnn } = await startYoga(handlers);
    const results = resultsOf(await asAnn([mutation('darken'), '{ run(op: "theme") }']));
    expect(results[1]?.data).toEqual({ run: 'light' });
  });

  test.each([
    ['cannot be parsed', '{'],
    ['is not valid', '{ nothing }'],
    ['is refused before it is executed', '{ run(op: "theme") } #refuse'],
    ['was answered by another plugin', '{ run(op: "theme") } #answer'],
  ])('does not wait for an operation that %s', async (_, query) => {
    const other = {
      onParams: ({ params, setResult }: { params: { query?: string }; setResult(result: object): void }) => {
        if (params.query?.includes('#answer')) setResult({ data: { run: 'known' } });
      },
      onContextBuilding: ({ context }: { context: { params: { query?: string } } }) => {
        if (context.params.query?.includes('#refuse')) throw new GraphQLError('refused');
      },
    };
    const { asAnn, store, stored } = await startYoga(handlers, { plugins: [other] });
    const before = performance.now();
    await asAnn([mutation('darken'), query]);
    expect(performance.now() - before).toBeLessThan(900);
    expect(store.calls.replace).toBe(1);
    expect((await stored())?.theme).toBe('dark');
  });

  test('an operation that a resolver runs does not wait for its neighbours', async () => {
    const made = await makeSessions();
    const inner = async (ctx: object) => {
      const enveloped = yoga.getEnveloped({ ...ctx });
      const contextValue = await enveloped.contextFactory();
      const document = enveloped.parse(mutation('darken'));
      const started = performance.now();
      await enveloped.execute({ schema: enveloped.schema, document, contextValue });
      return String(performance.now() - started < 900);
    };
    const yoga = createYoga({
      schema: makeSchema({ run: { ...handlers.run, inner } }),
      batching: true,
      logging: false,
      plugins: [useSession(made.sessions)],
    });
    const { url } = await listenInTest(yoga);
    const answer = await post(
      `${url}/graphql`,
      [{ query: mutation('inner') }, { query: mutation('visit') }],
      bearer(made.token),
    );
    expect(resultsOf(answer)).toEqual([{ data: { run: 'true' } }, { data: { run: 'done' } }]);
    expect(await made.stored()).toMatchObject({ theme: 'dark', views: 1 });
  });

  test('does not wait for an operation that another plugin answers before it is executed', async () => {
    const made = await makeSessions();
    const first: Plugin = {
      onExecute: ({ context, setResultAndStopExecution }) => {
        if (context.params.query?.includes('visit')) setResultAndStopExecution({ data: { run: 'known' } });
      },
    };
    const yoga = createYoga({
      schema: makeSchema(handlers),
      batching: true,
      logging: false,
      plugins: [first, useSession(made.sessions)],
    });
    const { url } = await listenInTest(yoga);
    const started = performance.now();
    const answer = await post(
      `${url}/graphql`,
      [{ query: mutation('darken') }, { query: mutation('visit') }],
      bearer(made.token),
    );
    expect(performance.now() - started).toBeLessThan(900);
    expect(resultsOf(answer)).toEqual([{ data: { run: 'done' } }, { data: { run: 'known' } }]);
    expect(await made.stored()).toMatchObject({ theme: 'dark', views: 0 });
  });

  test('invariant 6: in an outage, each operation reports it', async () => {
    const { asAnn, store } = await startYoga(handlers);
    store.before = () => {
      throw new Error('connection refused by db.internal');
    };
    const answer = await asAnn([mutation('darken'), '{ run(op: "theme") }']);
    expect(resultsOf(answer).flatMap(codesOf)).toEqual(['SERVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE']);
    expect(store.calls).toMatchObject({ find: 1, replace: 0 });
    expect(answer.text).not.toContain('http');
  });

  test('invariant 11: after a login in one operation, each has its own draft of the new session', async () => {
    const loggedIn = gate();
    const run: Handlers['run'] = {
      login: async ({ sessions }) => {
        const { token } = await sessions.create({ userId: 'bob', theme: 'light', views: 0 });
        loggedIn.open();
        return token;
      },
      visit: (ctx) => {
        requireSession(ctx).data.views += 1;
        return 'done';
      },
      escalateAndFail: async (ctx) => {
        await loggedIn.opened;
        requireSession(ctx).data.role = 'admin';
        throw new GraphQLError('refused');
      },
    };
    const { send, stored } = await startYoga({ run });
    const login = 'mutation { token: run(op: "login") visit: run(op: "visit") }';
    const answer = await send([login, mutation('escalateAndFail')]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const token = String(resultsOf(answer)[0]?.data?.['token']);
    expect(await stored(token)).toEqual({ userId: 'bob', theme: 'light', views: 1 });
  });
});
