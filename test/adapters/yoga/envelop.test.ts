import { useMaskedErrors } from '@envelop/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { header, type SessionContext } from '../../../src/index.js';
import type { Data } from './support/app.js';
import { bearer, codesOf, type Result } from './support/client.js';
import { setUp } from './support/envelop.js';
import { openSocketServer } from './support/socket.js';

const field = (op: string) => `{ run(op: "${op}") }`;

describe('a plain Envelop', () => {
  const requests: readonly (readonly [string, (headers: Record<string, string>) => Record<string, unknown>])[] = [
    ["Node's", (headers) => ({ req: { headers } })],
    ["Fetch's", (headers) => ({ request: new Request('http://api.example', { headers }) })],
    ['a wrapped one', (headers) => ({ req: { raw: { headers } } })],
  ];

  test.each(requests)('reads the token from a request on the context: %s', async (_, contextOf) => {
    const { run, token, store, stored } = await setUp();
    expect((await run(field('me'), contextOf(bearer(token)))).data).toEqual({ run: 'ann' });
    expect(store.calls).toEqual({ insert: 0, find: 1, replace: 0, delete: 0 });
    await run(field('darken'), contextOf(bearer(token)));
    expect((await stored())?.theme).toBe('dark');
  });

  test('reads the token from a request that only the context factory receives', async () => {
    const { run, token } = await setUp();
    expect((await run(field('me'), {}, { req: { headers: bearer(token) } })).data).toEqual({ run: 'ann' });
    expect((await run(field('me'), undefined, { req: { headers: bearer(token) } })).data).toEqual({ run: 'ann' });
  });

  test('is anonymous without a request, and makes no store call', async () => {
    const { run, store } = await setUp();
    expect((await run(field('me'), undefined)).data).toEqual({ run: null });
    expect((await run(field('me'), { req: 'of another kind' })).data).toEqual({ run: null });
    expect(store.total()).toBe(0);
  });

  test('loads the session for an execution whose context it did not build', async () => {
    const { getEnveloped, token, store, stored } = await setUp();
    const { execute: run, schema, parse: read } = getEnveloped();
    const own: object = { req: { headers: bearer(token) } };
    expect((await run({ schema, document: read(field('darken')), contextValue: own })).data).toEqual({ run: 'done' });
    expect((await stored())?.theme).toBe('dark');
    store.reset();
    expect((await run({ schema, document: read(field('me')) })).data).toEqual({ run: null });
    expect(store.total()).toBe(0);
  });

  test('keeps its operation if the context is spread into another', async () => {
    const { getEnveloped, token, store } = await setUp();
    const enveloped = getEnveloped({ req: { headers: bearer(token) } });
    const contextValue = { ...(await enveloped.contextFactory()), more: true };
    const document = enveloped.parse('{ run(op: "darken") me: run(op: "required") }');
    const result = await enveloped.execute({ schema: enveloped.schema, document, contextValue });
    expect(result.data).toEqual({ run: 'done', me: 'ann' });
    expect(store.calls).toMatchObject({ find: 1, replace: 1 });
  });

  test('reports errors by their code, without anything of HTTP', async () => {
    const { run, clock, token } = await setUp();
    const refused = await run(field('required'), { req: { headers: {} } });
    expect(refused.errors?.map((error) => error.extensions)).toEqual([{ code: 'UNAUTHENTICATED' }]);
    clock.advance(60_001);
    const stale = await run(field('fresh'), { req: { headers: bearer(token) } });
    expect(stale.errors?.map((error) => error.extensions)).toEqual([{ code: 'STEP_UP_REQUIRED' }]);
  });

  test("a guard's error keeps its code if errors were masked before", async () => {
    const { run } = await setUp({}, [useMaskedErrors()]);
    expect(codesOf(await run(field('required'), { req: { headers: {} } }))).toEqual(['UNAUTHENTICATED']);
    expect(codesOf(await run('mutation { run(op: "required") }', { req: { headers: {} } }))).toEqual([
      'UNAUTHENTICATED',
    ]);
    expect(await run('{ run(op: "missing") }', { req: { headers: {} } })).toMatchObject({
      errors: [{ message: 'Unexpected error.' }],
    });
    const results = await run('subscription { watch(op: "eventRefused") }', { req: { headers: {} } });
    expect(codesOf((await results[Symbol.asyncIterator]().next()).value)).toEqual(['UNAUTHENTICATED']);
  });

  test('invariant 6: an outage is the result of the operation', async () => {
    const { run, store, token } = await setUp();
    store.before = () => {
      throw new Error('connection refused by db.internal');
    };
    const result = await run(field('me'), { req: { headers: bearer(token) } });
    expect(JSON.parse(JSON.stringify(result))).toEqual({
      data: null,
      errors: [{ message: 'Sessions are not available at the moment', extensions: { code: 'SERVICE_UNAVAILABLE' } }],
    });
  });

  test('a login is written to the Node response on the context, or else stays in responseHeaders', async () => {
    const written: Record<string, unknown> = {};
    const res = {
      headersSent: false,
      setHeader: (name: string, value: unknown) => {
        written[name] = value;
      },
      getHeader: () => undefined,
    };
    const { run } = await setUp({ sources: [header('x-auth-token', { respond: true })] });
    const { data } = await run(field('login'), { req: { headers: {} }, res });
    expect(written).toEqual({ 'cache-control': 'no-store', 'x-auth-token': data?.['run'] });
    const context: { req: object; sessions?: SessionContext<Data>['sessions'] } = { req: { headers: {} } };
    const login = await run(field('login'), context);
    expect(context.sessions?.responseHeaders.get('x-auth-token')).toBe(login.data?.['run']);
  });
});

test.each([
  ['cannot be parsed', '{', {}],
  ['is not valid', '{ nothing }', {}],
  ['has no context', field('me'), { refuse: true }],
])(
  'an operation that %s leaves nothing open on its connection, so a later login saves its changes',
  async (_, query, more) => {
    const late = {
      onContextBuilding: ({ context }: { context: { refuse?: true } }) => {
        if (context.refuse) throw new Error('refused');
      },
    };
    const { getEnveloped, sessions, stored } = await setUp({}, [], [late]);
    const connection = { connectionParams: {}, socket: { send() {}, close() {} } };
    async function run(text: string, initial: object): Promise<Result> {
      const {
        parse: read,
        validate: check,
        contextFactory,
        schema,
        execute: go,
      } = getEnveloped({ ...connection, ...initial });
      const document = read(text);
      const contextValue = await contextFactory();
      const [invalid] = check(schema, document);
      if (invalid) throw invalid;
      return go({ schema, document, contextValue });
    }
    await expect(run(query, more)).rejects.toThrow();
    const { data } = await run(field('loginAndDarken'), {});
    expect((await stored(String(data?.['run'])))?.theme).toBe('dark');
    await sessions.close();
  },
);

test('a plain Envelop works behind graphql-ws', async () => {
  const { getEnveloped, token, sessions, id } = await setUp();
  const server = await openSocketServer(getEnveloped, ({ connectionParams, extra }) => ({
    connectionParams,
    socket: extra.socket,
  }));
  onTestFinished(() => server.stop());
  const client = server.connect({ connectionParams: { token } });
  expect((await client.execute(field('required'))).data).toEqual({ run: 'ann' });
  await sessions.destroy(id);
  expect(codesOf(await client.execute(field('required')))).toEqual(['UNAUTHENTICATED']);
  await client.close();
});
