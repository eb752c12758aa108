import { PassThrough, Readable } from 'node:stream';
import { initTRPC, TRPCError } from '@trpc/server';
import { observable } from '@trpc/server/observable';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { trpcSessions } from '../../../src/adapters/trpc/index.js';
import { createSessions, isSessionError } from '../../../src/index.js';
import { gate } from '../../support/gate.js';
import { callProcedure } from './support/procedure-call.js';
import { type Data, kitOf } from './support/router.js';

type Copy = typeof import('../../../src/index.js') & typeof import('../../../src/adapters/trpc/index.js');

/** Another copy of the package in this process, as bundles, pnpm and dev servers create it. */
async function loadCopy(): Promise<Copy> {
  vi.resetModules();
  return { ...(await import('../../../src/index.js')), ...(await import('../../../src/adapters/trpc/index.js')) };
}

afterEach(() => {
  vi.doUnmock('../../../src/version.js');
  vi.resetModules();
});

/** The guard's error for a context of other sessions, and the error on the server. */
async function guardWith(
  guard: { query(resolver: (options: { ctx: object }) => unknown): object },
  ctx: object,
): Promise<unknown> {
  const procedure = guard.query(({ ctx: given }) => Reflect.get(given, 'session')?.data ?? null);
  try {
    return await callProcedure(procedure, ctx);
  } catch (error) {
    if (!(error instanceof TRPCError)) throw error;
    return { code: error.code, told: isSessionError(error.cause) ? error.cause.message : error.message };
  }
}

describe('the guards and other sessions', () => {
  test.each(['withSession', 'requireSession'] as const)(
    'rule 16: %s refuses the context of another createSessions',
    async (name) => {
      const [users, admins] = [createSessions<Data>(), createSessions<Data>()];
      const { token } = await users.create({ userId: 'ann' });
      const ctx = trpcSessions(users).createContext({ headers: { authorization: `Bearer ${token}` } });
      expect(await guardWith(trpcSessions(users)[name], ctx)).toEqual({ userId: 'ann' });
      expect(await guardWith(trpcSessions(admins)[name], ctx)).toEqual({
        code: 'INTERNAL_SERVER_ERROR',
        told: expect.stringContaining('another createSessions()'),
      });
    },
  );

  test('rule 16: requireFresh and a context of fromHeaders follow the same rule', async () => {
    const [users, admins] = [createSessions<Data>(), createSessions<Data>()];
    const { token } = await users.create({ userId: 'ann' });
    const ctx = await users.fromHeaders({ authorization: `Bearer ${token}` });
    expect(await guardWith(trpcSessions(users).requireFresh('1h'), ctx)).toEqual({ userId: 'ann' });
    expect(await guardWith(trpcSessions(admins).requireFresh('1h'), ctx)).toMatchObject({
      code: 'INTERNAL_SERVER_ERROR',
    });
  });

  test.each([
    ['no sessions', {}],
    ['null', { sessions: null }],
    ['a copy of them', {}],
    [
      'an object that throws when it is looked at',
      { sessions: new Proxy({}, { get: () => fail(), has: () => fail() }) },
    ],
    [
      'a context with a getter that throws',
      Object.defineProperty({}, 'sessions', { get: () => fail(), enumerable: true }),
    ],
  ])('rule 16: a context with %s is refused, and the server learns why', async (name, given) => {
    const sessions = createSessions<Data>();
    const trpc = trpcSessions(sessions);
    const { token } = await sessions.create({ userId: 'ann' });
    const real = trpc.createContext({ headers: { authorization: `Bearer ${token}` } });
    const ctx = name === 'a copy of them' ? { sessions: { ...real.sessions } } : given;
    expect(await guardWith(trpc.withSession, ctx)).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
  });

  test('rule 16: two copies of the package in one process work together', async () => {
    const copy = await loadCopy();
    const sessions = copy.createSessions<Data>({ ownerOf: (data) => data.userId });
    const ours = trpcSessions<Data>(sessions);
    const theirs = copy.trpcSessions(sessions);
    expect(ours.withSession).not.toBe(theirs.withSession);
    const { token } = await sessions.create({ userId: 'ann' });
    for (const make of [ours, theirs]) {
      for (const guard of [
        ours.requireSession,
        theirs.requireSession,
        ours.requireFresh('1h'),
        theirs.requireFresh('1h'),
      ]) {
        const ctx = make.createContext({ headers: { authorization: `Bearer ${token}` } });
        expect(await guardWith(guard, ctx)).toEqual({ userId: 'ann' });
      }
    }
  });

  test('rule 16: guards of two copies in one procedure share one call, and save it once', async () => {
    const copy = await loadCopy();
    const sessions = copy.createSessions<Data>();
    const ours = trpcSessions<Data>(sessions);
    const theirs = copy.trpcSessions(sessions);
    const t = initTRPC.context<typeof ours.createContext>().create();
    const router = t.router({
      change: t.procedure
        .concat(ours.withSession)
        .use(({ ctx, next }) => {
          if (ctx.session) ctx.session.data.role = 'admin';
          return next();
        })
        .concat(theirs.requireSession)
        .mutation(({ ctx }) => {
          ctx.session.data.theme = 'dark';
          return ctx.session.data.role;
        }),
      refused: t.procedure.concat(ours.withSession).mutation(({ ctx }) => ctx.session?.update(() => fail('SESSION'))),
    });
    const { token } = await sessions.create({ userId: 'ann' });
    const caller = t.createCallerFactory(router)(
      theirs.createContext({ headers: { authorization: `Bearer ${token}` } }),
    );
    expect(await caller.change()).toBe('admin');
    expect((await sessions.fromToken(token)).session?.data).toEqual({ userId: 'ann', role: 'admin', theme: 'dark' });
  });

  test('rule 16: the adapter of one copy recognises the errors of another', async () => {
    const copy = await loadCopy();
    const sessions = copy.createSessions<Data>();
    const ours = trpcSessions<Data>(sessions);
    const anonymous = copy.trpcSessions(sessions).createContext({ headers: {} });
    expect(await guardWith(ours.requireSession, anonymous)).toMatchObject({ code: 'UNAUTHORIZED' });
    const { token } = await sessions.create({ userId: 'ann' });
    const ctx = ours.createContext({ headers: { authorization: `Bearer ${token}` } });
    const t = initTRPC.context<typeof ours.createContext>().create({ errorFormatter: ours.errorFormatter });
    const router = t.router({
      gone: t.procedure.concat(ours.requireSession).query(async ({ ctx: { session } }) => {
        await session.destroy();
        return session.data;
      }),
    });
    await expect(t.createCallerFactory(router)(ctx).gone()).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  });

  test('rule 16: a copy with another protocol is refused, and the error names both versions', async () => {
    vi.doMock('../../../src/version.js', () => ({ VERSION: '9.9.9', PROTOCOL: 99 }));
    const copy = await loadCopy();
    const theirs = copy.createSessions<Data>();
    const problem = expect.objectContaining({
      code: 'NOT_SUPPORTED',
      message: expect.stringMatching(/(?=.*9\.9\.9)(?=.*0\.2\.0)/),
    });
    expect(() => trpcSessions<Data>(theirs)).toThrow(problem);
    expect(() => copy.trpcSessions<Data>(createSessions<Data>())).toThrow(problem);
    expect(() => trpcSessions<Data>(JSON.parse('{}'))).toThrow(expect.objectContaining({ code: 'NOT_SUPPORTED' }));
  });
});

describe('values that pass through a guard', () => {
  const results = {
    readable: () => Readable.from(['a', 'b']),
    web: () => new ReadableStream({ start: (controller) => controller.close() }),
    passThrough: () => new PassThrough(),
    cursor: () =>
      Object.assign(
        {
          async *[Symbol.asyncIterator]() {
            yield 1;
          },
        },
        { count: () => 42 },
      ),
    iterable: () => [1, 2][Symbol.iterator](),
    promise: () => ({ later: Promise.resolve(1) }),
    observableLike: () => ({ subscribe: () => ({ unsubscribe: () => undefined }) }),
    date: () => new Date(0),
    map: () => new Map([['a', 1]]),
    undefined: () => undefined,
    null: () => null,
    function: () => () => 'called',
  };

  test.each(Object.keys(results) as (keyof typeof results)[])(
    'rule 19: a result stays the same object: %s',
    async (name) => {
      const kit = kitOf();
      const made: unknown[] = [];
      const router = kit.t.router({
        result: kit.own.mutation(({ ctx }) => {
          ctx.session.data.theme = 'dark';
          made.push(results[name]());
          return made[0];
        }),
      });
      const session = await kit.sessions.create({ userId: 'ann' });
      const ctx = kit.createContext({ headers: { authorization: `Bearer ${session.token}` } });
      expect(await kit.t.createCallerFactory(router)(ctx).result()).toBe(made[0]);
      expect(await kit.stored(session)).toEqual({ userId: 'ann', theme: 'dark' });
    },
  );

  test.each(['generator', 'readable'])(
    'rule 19: a mutation that returns a stream (%s) is saved when it returns',
    async (kind) => {
      const kit = kitOf();
      const never = gate();
      const router = kit.t.router({
        stream: kit.own.mutation(({ ctx }) => {
          ctx.session.data.theme = 'dark';
          if (kind === 'readable') return new Readable({ read: () => undefined });
          return (async function* () {
            yield 1;
            await never.opened;
          })();
        }),
      });
      const session = await kit.sessions.create({ userId: 'ann' });
      const ctx = kit.createContext({ headers: { authorization: `Bearer ${session.token}` } });
      await kit.t.createCallerFactory(router)(ctx).stream();
      expect(await kit.stored(session)).toEqual({ userId: 'ann', theme: 'dark' });
    },
  );

  test('rule 18: a create in the body of a generator takes effect at once, and stays when the body fails', async () => {
    const kit = kitOf();
    const router = kit.t.router({
      login: kit.open.mutation(async function* ({ ctx }) {
        yield (await ctx.sessions.create({ userId: 'bob' })).id;
        throw new Error('later');
      }),
    });
    const ctx = kit.createContext({ headers: {} });
    const body = await kit.t.createCallerFactory(router)(ctx).login();
    const iterator = body[Symbol.asyncIterator]();
    const { value } = await iterator.next();
    expect(kit.events).toEqual([`created ${value}`]);
    await expect(iterator.next()).rejects.toThrow('later');
    expect(await kit.sessions.listFor('bob')).toHaveLength(1);
  });

  test('rule 18: a create of a subscription’s procedure, before it returns its stream, follows the outcome', async () => {
    const kit = kitOf();
    const router = kit.t.router({
      refused: kit.open.subscription(async ({ ctx }) => {
        await ctx.sessions.create({ userId: 'bob' });
        if (ctx.session) throw new TRPCError({ code: 'FORBIDDEN' });
        throw new TRPCError({ code: 'BAD_REQUEST' });
      }),
      watched: kit.open.subscription(({ ctx }) =>
        observable<string>((observer) => {
          ctx.sessions.create({ userId: 'carol' }).then(
            ({ id }) => observer.next(id),
            (error) => observer.error(error),
          );
        }),
      ),
    });
    const caller = kit.t.createCallerFactory(router)(kit.createContext({ headers: {} }));
    await expect(caller.refused()).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    expect(await kit.sessions.listFor('bob')).toEqual([]);
    const stream = await caller.watched();
    const id = await new Promise((resolve) => stream.subscribe({ next: resolve }));
    expect(kit.events).toEqual([`created ${id}`]);
  });
});

function fail(message = 'looked at'): never {
  throw new Error(message);
}
