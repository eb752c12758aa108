import { useMaskedErrors } from '@envelop/core';
import { GraphQLError } from 'graphql';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { requireSession } from '../../../src/adapters/yoga/index.js';
import { header, type SessionContext, SessionError } from '../../../src/index.js';
import { gate } from '../../support/gate.js';
import { ANN, type Data } from './support/app.js';
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

  test("a guard's error keeps its code if errors were masked before, and its subscription does not start", async () => {
    async function* never() {
      yield 'on';
    }
    const closed = (ctx: SessionContext<Data>) => {
      requireSession(ctx);
      return never();
    };
    const { run } = await setUp({}, [useMaskedErrors()], [], { watch: { closed } });
    const result = await run('subscription { watch(op: "closed") }', { req: { headers: {} } });
    expect(codesOf(result)).toEqual(['UNAUTHENTICATED']);
  });

  test('invariant 6: an outage is the result of the operation', async () => {
    const { run, store, token } = await setUp();
    store.before = () => {
      throw new Error('connection refused by db.internal');
    };
    const context: { req: object; session?: null } = { req: { headers: bearer(token) } };
    const result = await run(field('me'), context);
    expect(context.session).toBeNull();
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

test('an operation of a connection saves without any wait for its neighbours, as they are no batch', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const [begun, late] = [gate(), gate()];
  const { run, token, stored } = await setUp({}, [], [], {
    run: {
      wait: async () => {
        begun.open();
        await late.opened;
        return 'waited';
      },
      darken: (ctx) => {
        requireSession(ctx).data.theme = 'dark';
        return 'done';
      },
    },
  });
  const connection = { connectionParams: { token }, socket: { send() {}, close() {} } };
  const neighbour = run(field('wait'), { ...connection });
  await begun.opened;
  expect((await run(field('darken'), { ...connection })).data).toEqual({ run: 'done' });
  expect((await stored())?.theme).toBe('dark');
  late.open();
  expect((await neighbour).data).toEqual({ run: 'waited' });
});

test('a query that a resolver executes on its own context decides nothing about the changes around it', async () => {
  const nest = async (ctx: SessionContext<Data>) => {
    requireSession(ctx).data.theme = 'dark';
    const { execute: go, parse: read, schema } = getEnveloped();
    const inner: Result = await go({ schema, document: read(field('fail')), contextValue: ctx });
    return inner.errors?.[0]?.message;
  };
  const fail = () => {
    throw new GraphQLError('refused');
  };
  const { getEnveloped, run, token, stored } = await setUp({}, [], [], { run: { nest, fail } });
  const result = await run('mutation { run(op: "nest") }', { req: { headers: bearer(token) } });
  expect(result.data).toEqual({ run: 'refused' });
  expect((await stored())?.theme).toBe('dark');
});

describe('an operation that does not run', () => {
  const OUTAGE = () => {
    throw new Error('connection refused by db.internal');
  };
  const refusing = {
    onContextBuilding: ({ context }: { context: { refuse?: true } }) => {
      if (context.refuse) throw new Error('refused');
    },
  };

  test.each([
    ['cannot be parsed', '{', {}, undefined],
    ['is not valid', '{ nothing }', {}, undefined],
    ['has no context', field('me'), { refuse: true }, undefined],
    ['meets an outage', field('me'), {}, OUTAGE],
    ['is a subscription that cannot start', 'subscription { watch(op: "missing") }', {}, undefined],
  ])('because it %s can create no session later, as that would never take effect', async (_, query, more, outage) => {
    const { getEnveloped, store, token } = await setUp({}, [], [refusing]);
    store.before = outage;
    const req = { headers: bearer(token) };
    const context: { req: object; sessions?: SessionContext<Data>['sessions'] } = { ...more, req };
    const enveloped = getEnveloped(context);
    const { schema } = enveloped;
    const outcome = (async () => {
      const document = enveloped.parse(query);
      const [invalid] = enveloped.validate(schema, document);
      if (invalid) throw invalid;
      const contextValue = await enveloped.contextFactory();
      const run = query.startsWith('subscription') ? enveloped.subscribe : enveloped.execute;
      const { errors } = await run({ schema, document, contextValue });
      throw errors[0];
    })();
    await expect(outcome).rejects.toThrow();
    store.before = undefined;
    await expect(context.sessions?.create(ANN)).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
    expect(await store.count?.()).toBe(1);
  });

  test('because its subscription cannot start drops its changes, so a later save does not write them', async () => {
    const failing = async (ctx: SessionContext<Data>): Promise<AsyncIterable<string>> => {
      requireSession(ctx).data.role = 'admin';
      throw new GraphQLError('refused');
    };
    const { run, token, stored } = await setUp({}, [], [], { watch: { failing } });
    const context: { req: object; session?: SessionContext<Data>['session'] } = { req: { headers: bearer(token) } };
    const { errors } = await run('subscription { watch(op: "failing") }', context);
    expect(errors).toMatchObject([{ message: 'refused' }]);
    await context.session?.save();
    expect([context.session?.data, await stored()]).toEqual([ANN, ANN]);
  });

  test('keeps its own error if it has no request', async () => {
    const { getEnveloped } = await setUp();
    const { parse, validate, schema } = getEnveloped();
    expect(() => parse('{')).toThrow('Syntax Error');
    expect(validate(schema, parse('{ nothing }'))).toMatchObject([{ message: expect.stringContaining('nothing') }]);
  });
});

describe('an error of another plugin, before there is an operation,', () => {
  const refusing = (error: Error) => ({
    onContextBuilding() {
      throw error;
    },
  });

  test('stays as it is', async () => {
    const { run } = await setUp({}, [refusing(new Error('refused'))]);
    await expect(run(field('me'), undefined)).rejects.toThrow('refused');
  });

  test('gets the form for clients if it is ours', async () => {
    const { run } = await setUp({}, [refusing(new SessionError('CONFLICT', 'internal detail'))]);
    await expect(run(field('me'), undefined)).rejects.toMatchObject({ extensions: { code: 'CONFLICT' } });
  });
});

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
