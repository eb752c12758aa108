import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { memoryStore, type SessionStore } from '../../../src/index.js';
import { gate } from '../../support/gate.js';
import { fail } from './support/fail.js';
import { WRITTEN } from './support/logins.js';
import { type Data, type RouterKit, startRouter } from './support/router.js';

/** A memory store with a verb that fails for some ids. */
function failingStore(verb: 'delete' | 'replace' | 'insert', fails: (id: string) => boolean): SessionStore {
  const store = memoryStore();
  const real: (...args: never[]) => Promise<unknown> = store[verb].bind(store);
  return Object.assign(store, {
    [verb]: async (first: { id: string } | string, ...rest: never[]) => {
      if (fails(typeof first === 'string' ? first : first.id)) throw new Error('down');
      return Reflect.apply(real, undefined, [first, ...rest]);
    },
  });
}

/** Procedures that log in and then fail, each in another way. */
function failingLogins({ t, open, own, requireFresh }: RouterKit) {
  const login = async (ctx: { sessions: { create(data: Data): Promise<{ token: string }> } }) =>
    (await ctx.sessions.create({ userId: 'bob' })).token;
  const loggingIn = t.middleware(async ({ ctx, next }) => {
    await ctx.sessions.create({ userId: 'bob' });
    return next();
  });
  const failingAfter = t.middleware(async ({ next }) => {
    await next();
    return fail();
  });
  return t.router({
    'throws after it': open.mutation(async ({ ctx }) => {
      await login(ctx);
      return fail();
    }),
    'has its output refused': open.output(z.object({ never: z.string() })).mutation(async ({ ctx }) => {
      await login(ctx);
      return JSON.parse('{}');
    }),
    'is failed by a middleware after the guard': open.use(failingAfter).mutation(({ ctx }) => login(ctx)),
    'is refused by a later guard': open
      .use(({ ctx, next }) => login(ctx).then(() => next()))
      .concat(own)
      .use(({ ctx, next }) => ctx.session.destroy().then(() => next()))
      .concat(own)
      .mutation(() => 'in'),
    'did not wait for it': open.mutation(({ ctx }) => {
      void login(ctx).catch(() => undefined);
      return fail();
    }),
    'has two of them': open.mutation(async ({ ctx }) => {
      await login(ctx);
      await login(ctx);
      return fail();
    }),
    'needs a fresher one': open
      .use(({ ctx, next }) => login(ctx).then(() => next()))
      .concat(requireFresh('1m'))
      .mutation(fail),
    'is failed behind two guards': t.procedure
      .concat(open)
      .concat(open)
      .use(loggingIn)
      .mutation(() => fail()),
  });
}

describe('a login of a call that fails', () => {
  const paths = [
    'throws after it',
    'has its output refused',
    'is failed by a middleware after the guard',
    'did not wait for it',
    'has two of them',
    'needs a fresher one',
    'is failed behind two guards',
  ];

  for (const link of ['batch', 'stream'] as const) {
    test.each(paths)(
      `rule 18: leaves no session, ends none and evicts none if the call %s (${link})`,
      async (path) => {
        const maxPerOwner = { max: 1, onLimit: 'evict-oldest' } as const;
        const { client, sessions, events, stored, heads } = await startRouter(failingLogins, {
          sessions: { maxPerOwner },
        });
        const [ann, bob] = [await sessions.create({ userId: 'ann' }), await sessions.create({ userId: 'bob' })];
        events.length = 0;
        expect(await client(ann.token, link).mutate(path)).toMatch(/FORBIDDEN|INTERNAL_SERVER_ERROR/);
        expect((await sessions.listFor('bob')).map(({ id }) => id)).toEqual([bob.id]);
        expect([await stored(ann), events]).toEqual([{ userId: 'ann' }, []]);
        expect(heads[0]?.getSetCookie()).toEqual([]);
      },
    );
  }

  test('rule 18: hands out no token, neither in a cookie nor in a header', async () => {
    const { client, sessions, heads, store } = await startRouter(failingLogins, { sessions: WRITTEN });
    expect(await client().mutate('throws after it')).toBe('FORBIDDEN');
    expect([heads[0]?.getSetCookie(), heads[0]?.get('x-auth-token'), await store.count?.()]).toEqual([[], null, 0]);
    expect(await sessions.listFor('bob')).toEqual([]);
  });

  test('rule 18: a logout stays final if a later guard refuses the call that logged in and out', async () => {
    const { client, sessions, store } = await startRouter(failingLogins);
    const { token } = await sessions.create({ userId: 'ann' });
    expect(await client(token).mutate('is refused by a later guard')).toBe('UNAUTHENTICATED');
    // The call's own destroy() is final, whatever the outcome of the call.
    expect(await store.count?.()).toBe(0);
  });
});

describe('a login of a call that succeeds', () => {
  test('rule 18: saves the drafts, then ends the previous session, then hands out the token', async () => {
    const order: string[] = [];
    const memory = memoryStore();
    const store: SessionStore = Object.assign(memory, {
      replace: new Proxy(memory.replace, {
        apply: (target, self, args) => {
          order.push('save');
          return Reflect.apply(target, self, args);
        },
      }),
      delete: new Proxy(memory.delete, {
        apply: (target, self, args) => {
          order.push('end');
          return Reflect.apply(target, self, args);
        },
      }),
    });
    const { client, sessions, heads, stored } = await startRouter(
      ({ t, open }) =>
        t.router({
          login: open.mutation(async ({ ctx }) => {
            const session = await ctx.sessions.create({ userId: 'bob' });
            session.data.theme = 'dark';
            return session.id;
          }),
        }),
      { sessions: { ...WRITTEN, store } },
    );
    const { token } = await sessions.create({ userId: 'ann' });
    const id = String(await client(undefined, 'batch', { 'x-auth-token': token }).mutate('login'));
    expect(order).toEqual(['save', 'end']);
    expect(await stored({ id })).toEqual({ userId: 'bob', theme: 'dark' });
    expect(heads[0]?.get('x-auth-token')).toContain(id);
  });

  test('rule 18: if the previous session cannot be ended, it is 503 without a token, and the new session is gone', async () => {
    let ann = '';
    const store = failingStore('delete', (id) => id === ann);
    const { client, sessions, heads } = await startRouter(
      ({ t, open }) =>
        t.router({ login: open.mutation(async ({ ctx }) => (await ctx.sessions.create({ userId: 'bob' })).token) }),
      { sessions: { ...WRITTEN, store } },
    );
    const session = await sessions.create({ userId: 'ann' });
    ann = session.id;
    expect(await client(undefined, 'batch', { 'x-auth-token': session.token }).mutate('login')).toBe(
      'STORE_UNAVAILABLE',
    );
    expect([heads[0]?.get('x-auth-token'), heads[0]?.getSetCookie()]).toEqual([null, []]);
    expect([await sessions.listFor('bob'), (await sessions.find(ann))?.id]).toEqual([[], ann]);
  });

  test('rule 18: a draft that cannot be saved also undoes the login', async () => {
    let isDown = false;
    const store = failingStore('replace', () => isDown);
    const { client, sessions, stored } = await startRouter(
      ({ t, open }) =>
        t.router({
          login: open.mutation(async ({ ctx }) => {
            const session = await ctx.sessions.create({ userId: 'bob' });
            session.data.theme = 'dark';
            isDown = true;
          }),
        }),
      { sessions: { store } },
    );
    const session = await sessions.create({ userId: 'ann' });
    expect(await client(session.token).mutate('login')).toBe('STORE_UNAVAILABLE');
    expect([await sessions.listFor('bob'), await stored(session)]).toEqual([[], { userId: 'ann' }]);
  });

  test('rule 18: a device can log in again at the limit of its account, with either limit policy', async () => {
    for (const onLimit of ['deny', 'evict-oldest'] as const) {
      const { client, sessions } = await startRouter(
        ({ t, open }) =>
          t.router({ again: open.mutation(async ({ ctx }) => (await ctx.sessions.create({ userId: 'ann' })).id) }),
        { sessions: { maxPerOwner: { max: 2, onLimit } } },
      );
      const [other, mine] = [await sessions.create({ userId: 'ann' }), await sessions.create({ userId: 'ann' })];
      const id = await client(mine.token).mutate('again');
      expect((await sessions.listFor('ann')).map((each) => each.id)).toEqual([other.id, id]);
    }
  });

  test('rule 18: with deny, logins that have not yet taken effect count', async () => {
    const [inserted, refused] = [gate(), gate()];
    const { client, sessions } = await startRouter(
      ({ t, open }) =>
        t.router({
          slow: open.mutation(async ({ ctx }) => {
            await ctx.sessions.create({ userId: 'ann' });
            inserted.open();
            await refused.opened;
            return 'in';
          }),
          quick: open.mutation(async ({ ctx }) => {
            await inserted.opened;
            await ctx.sessions.create({ userId: 'ann' }).finally(refused.open);
            return 'in';
          }),
        }),
      { sessions: { maxPerOwner: { max: 1, onLimit: 'deny' } } },
    );
    expect(await Promise.all([client().mutate('slow'), client().mutate('quick')])).toEqual(['in', 'LIMIT_REACHED']);
    expect(await sessions.listFor('ann')).toHaveLength(1);
  });

  test('rule 18: with deny, a second login of a call takes the place of its first', async () => {
    const { client, sessions } = await startRouter(
      ({ t, open }) =>
        t.router({
          twice: open.mutation(async ({ ctx }) => {
            await ctx.sessions.create({ userId: 'ann' });
            return (await ctx.sessions.create({ userId: 'ann' })).id;
          }),
        }),
      { sessions: { maxPerOwner: { max: 2, onLimit: 'deny' } } },
    );
    const [other, mine] = [await sessions.create({ userId: 'ann' }), await sessions.create({ userId: 'ann' })];
    const id = await client(mine.token).mutate('twice');
    expect((await sessions.listFor('ann')).map((each) => each.id)).toEqual([other.id, id]);
    expect(await client().mutate('twice')).toBe('LIMIT_REACHED');
    expect(await sessions.listFor('ann')).toHaveLength(2);
  });

  test('rule 18: a call that ends its own session is answered with its result', async () => {
    const { client, sessions } = await startRouter(({ t, own }) =>
      t.router({
        logout: own.mutation(async ({ ctx }) => {
          ctx.session.data.theme = 'dark';
          await ctx.session.destroy();
          return 'bye';
        }),
        everywhere: own.mutation(async ({ ctx }) => {
          await sessionsOf(ctx).destroyOthers();
          await ctx.sessions.destroy(ctx.session.id);
          return 'bye';
        }),
      }),
    );
    const sessionsOf = (ctx: { sessions: { destroyOthers(): Promise<number> } }) => ctx.sessions;
    for (const path of ['logout', 'everywhere']) {
      const { token } = await sessions.create({ userId: 'ann' });
      expect(await client(token).mutate(path)).toBe('bye');
    }
    expect(await sessions.listFor('ann')).toEqual([]);
  });
});
