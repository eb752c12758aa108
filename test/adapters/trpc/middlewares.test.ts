import { initTRPC } from '@trpc/server';
import { describe, expect, test } from 'vitest';
import { trpcSessions } from '../../../src/adapters/trpc/index.js';
import { createSessions } from '../../../src/index.js';
import { countingStore } from '../../support/counting-store.js';
import { ANN, bearerHeaders, type Data, gate } from './support/bench.js';

async function setUp() {
  const store = countingStore();
  const sessions = createSessions<Data>({ store });
  const trpc = trpcSessions(sessions);
  const t = initTRPC.context<typeof trpc.createContext>().create();
  const { token } = await sessions.create(ANN);
  store.reset();
  const context = () => trpc.createContext({ headers: bearerHeaders(token) });
  const stored = async () => (await sessions.fromToken(token)).session?.data;
  return { store, sessions, trpc, t, context, stored };
}

describe("guards among an application's middlewares", () => {
  test('a middleware that ends the session locks out a later requireSession', async () => {
    const { t, trpc, context } = await setUp();
    const router = t.router({
      banned: t.procedure
        .concat(trpc.withSession)
        .use(async ({ ctx, next }) => {
          await ctx.session?.destroy();
          return next();
        })
        .concat(trpc.requireSession)
        .query(() => 'reached'),
    });
    await expect(router.createCaller(context()).banned()).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  });

  test('a middleware that logs in admits the call to a later requireSession, and its changes are saved', async () => {
    const { t, trpc, sessions } = await setUp();
    const router = t.router({
      welcome: t.procedure
        .concat(trpc.withSession)
        .use(async ({ ctx, next }) => {
          await ctx.sessions.create(ANN);
          return next();
        })
        .concat(trpc.requireSession)
        .mutation(({ ctx }) => {
          ctx.session.data.a = 5;
          return ctx.session.id;
        }),
      wait: t.procedure.concat(trpc.withSession).mutation(() => opened),
    });
    const { opened, open } = gate();
    const caller = router.createCaller(trpc.createContext({ headers: {} }));
    const waiting = caller.wait();
    const id = await caller.welcome();
    expect((await sessions.find(id))?.data.a).toBe(5);
    open();
    await waiting;
  });

  test('invariant 11: a middleware that retries before the guard gets a new draft, and only the success is saved', async () => {
    const { t, trpc, context, store, stored } = await setUp();
    let tries = 0;
    const router = t.router({
      flaky: t.procedure
        .use(async ({ next }) => {
          const first = await next();
          return first.ok ? first : next();
        })
        .concat(trpc.requireSession)
        .mutation(({ ctx }) => {
          tries += 1;
          ctx.session.data[tries === 1 ? 'a' : 'b'] = 1;
          if (tries === 1) throw new Error('once');
        }),
    });
    await router.createCaller(context()).flaky();
    expect(await stored()).toEqual({ ...ANN, b: 1 });
    expect(store.calls.replace).toBe(1);
  });

  test('a middleware between two guards that replaces the raw input causes two calls, each saved', async () => {
    const { t, trpc, context, stored } = await setUp();
    const router = t.router({
      odd: t.procedure
        .concat(trpc.requireSession)
        .use(({ ctx, next }) => {
          ctx.session.data.a = 1;
          return next({ getRawInput: async () => 'other' });
        })
        .concat(trpc.requireSession)
        .mutation(({ ctx }) => {
          ctx.session.data.b = 1;
        }),
    });
    await router.createCaller(context()).odd();
    expect(await stored()).toEqual({ ...ANN, a: 1, b: 1 });
  });

  test('invariant 11: an output that is refused fails the call, and nothing is saved', async () => {
    const { t, trpc, context, stored } = await setUp();
    const refuse = (value: unknown): string => {
      throw new Error(`not ${value}`);
    };
    const router = t.router({
      spoilt: t.procedure
        .concat(trpc.requireSession)
        .output(refuse)
        .mutation(({ ctx }) => {
          ctx.session.data.a = 1;
          return 'like this';
        }),
    });
    await expect(router.createCaller(context()).spoilt()).rejects.toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
    expect(await stored()).toEqual(ANN);
  });
});
