import { ApolloServer, type ApolloServerPlugin, HeaderMap } from '@apollo/server';
import { buildSchema, GraphQLError, GraphQLSchema } from 'graphql';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { apolloSessions } from '../../../src/adapters/apollo/index.js';
import { cookie, header, requireSession, type SessionContext, type TokenSource } from '../../../src/index.js';
import { ANN, type Data, type Handlers, makeSchema } from '../yoga/support/app.js';
import { makeSessions } from '../yoga/support/setup.js';
import { run, start as startOnNode } from './support/setup.js';

const GRACE = 5_000;

/** An answer with `@defer`, in the format that Apollo Server takes. */
interface Parts {
  readonly initialResult: { readonly data: Record<string, unknown>; readonly hasNext: true };
  readonly subsequentResults: AsyncGenerator<{ readonly hasNext: boolean }, void, void>;
}

interface Options {
  readonly more?: Handlers['run'];
  /** Executes operations in parts. The context is the operation's. */
  readonly parts?: (ctx: SessionContext<Data>) => Promise<Parts>;
  readonly sources?: TokenSource[];
  readonly plugins?: ApolloServerPlugin<SessionContext<Data>>[];
}

/** Apollo Server on a Fetch host, so that the answer's headers go through it. */
async function start({ more = {}, parts, sources = [cookie('sid')], plugins = [] }: Options = {}) {
  const warnings: string[] = [];
  const logger = { warn: (line: string) => void warnings.push(line), error: () => undefined };
  const made = await makeSessions({ sources, rotationGrace: GRACE, logger });
  const { plugin, context } = apolloSessions(made.sessions);
  const base = makeSchema({ run: { ...run, ...more } });
  const defer = buildSchema('directive @defer on INLINE_FRAGMENT type Query { x: Int }').getDirective('defer');
  const { directives, ...config } = base.toConfig();
  const schema = new GraphQLSchema({ ...config, directives: [...directives, ...(defer ? [defer] : [])] });
  const server = new ApolloServer<SessionContext<Data>>({
    schema,
    plugins: [...plugins, plugin],
    ...(parts && {
      legacyExperimentalExecuteIncrementally: async ({ contextValue }) => parts(Object(contextValue)),
    }),
  });
  await server.start();
  onTestFinished(() => server.stop());
  const execute = (request: Request, query: string) =>
    server.executeHTTPGraphQLRequest({
      httpGraphQLRequest: {
        method: 'POST',
        headers: new HeaderMap([
          ['content-type', 'application/json'],
          ['accept', 'application/json, multipart/mixed; deferSpec=20220824'],
        ]),
        search: '',
        body: { query },
      },
      context: () => context(request),
    });
  const request = () =>
    new Request('https://apollo.example/', {
      method: 'POST',
      headers: { cookie: `sid=${made.token}`, 'x-auth-token': made.token },
    });
  return { ...made, execute, request, warnings };
}

test('one cookie is set without a warning', async () => {
  const { execute, request, warnings } = await start();
  const { headers } = await execute(request(), 'mutation { run(op: "login", value: "bob") }');
  expect(headers.get('set-cookie')).toMatch(/^sid=ts_/);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(warnings).toEqual([]);
});

test('a cookie of another plugin gives way, with a warning', async () => {
  const own: ApolloServerPlugin<SessionContext<Data>> = {
    requestDidStart: async ({ response }) => void response.http.headers.set('set-cookie', 'own=1'),
  };
  const { execute, request, warnings } = await start({ plugins: [own] });
  const { headers } = await execute(request(), 'mutation { run(op: "login", value: "bob") }');
  expect(headers.get('set-cookie')).toMatch(/^sid=ts_/);
  expect(warnings).toEqual([expect.stringContaining('only one cookie')]);
});

test('a token in a header of its own is on the answer', async () => {
  const { execute, request, sessions } = await start({ sources: [header('x-auth-token', { respond: true })] });
  const { headers } = await execute(request(), 'mutation { run(op: "login", value: "bob") }');
  expect((await sessions.fromToken(headers.get('x-auth-token'))).session?.data.userId).toBe('bob');
});

test('on Node, where all cookies arrive, several cause no warning', async () => {
  const warnings: string[] = [];
  const logger = { warn: (line: string) => void warnings.push(line), error: () => undefined };
  const { send } = await startOnNode({}, { sources: [cookie('a'), cookie('b')], logger });
  const { headers } = await send('mutation { run(op: "login", value: "bob") }');
  expect([headers.getSetCookie().length, warnings]).toEqual([2, []]);
});

test('rule 12: inside handle(), the headers are left to the handler', async () => {
  const rotate = (ctx: SessionContext<Data>) => requireSession(ctx).rotate();
  const { execute, request, sessions } = await start({ more: { rotate } });
  const asked = request();
  const answer = await sessions.handle(asked, async () => {
    const { headers } = await execute(asked, 'mutation { run(op: "rotate") }');
    expect(headers.has('set-cookie')).toBe(false);
    return new Response('done');
  });
  expect(answer.headers.getSetCookie()).toEqual([expect.stringMatching(/^sid=ts_/)]);
});

test('an error of the application keeps the status and headers that it names', async () => {
  const fail = (http: object) => () => {
    throw new GraphQLError('refused', { extensions: { http } });
  };
  const more = { status: fail({ status: 418 }), headers: fail({ headers: new HeaderMap([['retry-after', '7']]) }) };
  const { execute, request } = await start({ more });
  expect((await execute(request(), '{ run(op: "status") }')).status).toBe(418);
  const { status, headers } = await execute(request(), '{ run(op: "headers") }');
  expect([status ?? 200, headers.get('retry-after')]).toEqual([200, '7']);
});

describe('an answer in parts', () => {
  const initialResult = { data: { run: 'first' }, hasNext: true } as const;

  test('ends its source when the client leaves, and saves nothing', async () => {
    const left = vi.fn();
    async function* endless() {
      try {
        for (;;) yield { hasNext: true };
      } finally {
        await new Promise(setImmediate);
        left();
      }
    }
    const { execute, request, stored } = await start({
      parts: async (ctx) => {
        requireSession(ctx).data.theme = 'dark';
        return { initialResult, subsequentResults: endless() };
      },
    });
    const { body } = await execute(request(), '{ run(op: "news") node { ... @defer { run(op: "news") } } }');
    if (body.kind !== 'chunked') throw new Error('the test expects parts');
    const parts = body.asyncIterator[Symbol.asyncIterator]();
    await parts.next();
    await parts.next();
    expect(left).not.toHaveBeenCalled();
    await parts.return?.();
    expect(left).toHaveBeenCalledOnce();
    expect(await stored()).toEqual(ANN);
  });

  test('cannot write a token after its first part', async () => {
    let later: unknown;
    const { execute, request, store } = await start({
      parts: async ({ sessions }) => ({
        initialResult,
        subsequentResults: (async function* () {
          later = await sessions.create({ ...ANN, userId: 'bob' }).catch((error: unknown) => error);
          yield { hasNext: false };
        })(),
      }),
    });
    const { body } = await execute(request(), '{ run(op: "news") node { ... @defer { run(op: "news") } } }');
    if (body.kind !== 'chunked') throw new Error('the test expects parts');
    for await (const _ of body.asyncIterator);
    expect(later).toMatchObject({ code: 'HEADERS_SENT' });
    expect(store.calls.insert).toBe(0);
  });

  test.each([GRACE, GRACE + 1])(
    'rule 21: carries a new token only if its first part comes within the grace: after %i ms',
    async (after) => {
      const { execute, request, clock } = await start({
        parts: async (ctx) => {
          await requireSession(ctx).rotate();
          clock.advance(after);
          return { initialResult, subsequentResults: (async function* () {})() };
        },
      });
      const { headers } = await execute(request(), '{ run(op: "news") node { ... @defer { run(op: "news") } } }');
      expect(headers.has('set-cookie')).toBe(after <= GRACE);
    },
  );
});
