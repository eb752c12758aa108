import { TRPCError } from '@trpc/server';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { cookie, header, memoryStore, type SessionStore } from '../../../src/index.js';
import { gate } from '../../support/gate.js';
import { httpHosts, overStandalone } from './support/hosts.js';
import { type Data, type RouterKit, startRouter } from './support/router.js';

const fail = (): never => {
  throw new TRPCError({ code: 'FORBIDDEN' });
};
const WRITTEN = { sources: [cookie('session', { secure: false }), header('x-auth-token', { respond: true })] };

/** A memory store of which a verb fails for some ids. */
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
    test.each(paths)(`rule 18: leaves no session, ends none and evicts none, where the call %s (${link})`, async (path) => {
      const maxPerOwner = { max: 1, onLimit: 'evict-oldest' } as const;
      const { client, sessions, events, stored, heads } = await startRouter(failingLogins, { sessions: { maxPerOwner } });
      const [ann, bob] = [await sessions.create({ userId: 'ann' }), await sessions.create({ userId: 'bob' })];
      events.length = 0;
      expect(await client(ann.token, link).mutate(path)).toMatch(/FORBIDDEN|INTERNAL_SERVER_ERROR/);
      expect((await sessions.listFor('bob')).map(({ id }) => id)).toEqual([bob.id]);
      expect([await stored(ann), events]).toEqual([{ userId: 'ann' }, []]);
      expect(heads[0]?.getSetCookie()).toEqual([]);
    });
  }

  test('rule 18: hands out no token, neither in a cookie nor in a header', async () => {
    const { client, sessions, heads, store } = await startRouter(failingLogins, { sessions: WRITTEN });
    expect(await client().mutate('throws after it')).toBe('FORBIDDEN');
    expect([heads[0]?.getSetCookie(), heads[0]?.get('x-auth-token'), await store.count?.()]).toEqual([[], null, 0]);
    expect(await sessions.listFor('bob')).toEqual([]);
  });

  test('rule 18: a call that logs in, logs out and is refused by its later guard has ended what it ended', async () => {
    const { client, sessions, store } = await startRouter(failingLogins);
    const { token } = await sessions.create({ userId: 'ann' });
    expect(await client(token).mutate('is refused by a later guard')).toBe('UNAUTHENTICATED');
    // The call's own destroy() is final, whatever becomes of the call.
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

  test('rule 18: where the previous session cannot be ended it is 503 without a token, and the new session is gone', async () => {
    let ann = '';
    const store = failingStore('delete', (id) => id === ann);
    const { client, sessions, heads } = await startRouter(
      ({ t, open }) => t.router({ login: open.mutation(async ({ ctx }) => (await ctx.sessions.create({ userId: 'bob' })).token) }),
      { sessions: { ...WRITTEN, store } },
    );
    const session = await sessions.create({ userId: 'ann' });
    ann = session.id;
    expect(await client(undefined, 'batch', { 'x-auth-token': session.token }).mutate('login')).toBe('STORE_UNAVAILABLE');
    expect([heads[0]?.get('x-auth-token'), heads[0]?.getSetCookie()]).toEqual([null, []]);
    expect([await sessions.listFor('bob'), (await sessions.find(ann))?.id]).toEqual([[], ann]);
  });

  test('rule 18: a draft that cannot be saved takes the login with it', async () => {
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

  test('rule 18: a device logs in again at the limit of its account, with either way to keep it', async () => {
    for (const onLimit of ['deny', 'evict-oldest'] as const) {
      const { client, sessions } = await startRouter(
        ({ t, open }) => t.router({ again: open.mutation(async ({ ctx }) => (await ctx.sessions.create({ userId: 'ann' })).id) }),
        { sessions: { maxPerOwner: { max: 2, onLimit } } },
      );
      const [other, mine] = [await sessions.create({ userId: 'ann' }), await sessions.create({ userId: 'ann' })];
      const id = await client(mine.token).mutate('again');
      expect((await sessions.listFor('ann')).map((each) => each.id)).toEqual([other.id, id]);
    }
  });

  test('rule 18: with deny, logins that have not taken effect yet count', async () => {
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

describe('logins of one batch', () => {
  const logins = ({ t, open, own }: RouterKit) =>
    t.router({
      bob: open.mutation(async ({ ctx }) => (await ctx.sessions.create({ userId: 'bob' })).token),
      carol: open.mutation(async ({ ctx }) => (await ctx.sessions.create({ userId: 'carol' })).token),
      eve: open.mutation(async ({ ctx }) => {
        await ctx.sessions.create({ userId: 'eve' });
        return fail();
      }),
      logout: own.mutation(({ ctx }) => ctx.session.destroy()),
      rotate: own.mutation(({ ctx }) => ctx.session.rotate()),
    });

  test('rule 24: the answer carries one token, of the last login that succeeded; the others’ sessions are ended', async () => {
    const { client, sessions, heads } = await startRouter(logins, { sessions: WRITTEN });
    const ours = client();
    const tokens = await Promise.all(['bob', 'carol', 'eve'].map((path) => ours.mutate(path)));
    const written = heads[0]?.get('x-auth-token') ?? '';
    expect(tokens).toContain(written);
    expect(heads[0]?.getSetCookie().map((each) => each.split(';')[0])).toEqual([`session=${written}`]);
    const alive = await Promise.all(tokens.slice(0, 2).map(async (token) => (await sessions.fromToken(String(token))).session !== null));
    expect(alive).toEqual(tokens.slice(0, 2).map((token) => token === written));
    expect(await sessions.listFor('eve')).toEqual([]);
  });

  test('where no source writes, each login of a batch has its own session', async () => {
    const { client, sessions } = await startRouter(logins);
    const ours = client();
    await Promise.all(['bob', 'carol'].map((path) => ours.mutate(path)));
    expect([(await sessions.listFor('bob')).length, (await sessions.listFor('carol')).length]).toEqual([1, 1]);
  });

  test.each([
    ['logout', 'bob'],
    ['bob', 'logout'],
    ['logout', 'eve'],
    ['rotate', 'bob'],
    ['bob', 'rotate'],
  ])('rule 24: in [%s, %s] a deletion is written only where no call leaves a new session', async (...paths) => {
    const { client, sessions, heads } = await startRouter(logins, { sessions: WRITTEN });
    const session = await sessions.create({ userId: 'ann' });
    const ours = client(undefined, 'batch', { cookie: `session=${session.token}` });
    await Promise.all(paths.map((path) => ours.mutate(path)));
    const [written = ''] = heads[0]?.getSetCookie() ?? [];
    const [bob] = await sessions.listFor('bob');
    if (bob) expect(written).toContain(`session=ts_${bob.id}.`);
    else expect(written).toMatch(/^session=;/);
    expect(heads[0]?.getSetCookie()).toHaveLength(1);
  });

  test('rule 24: a token goes to the source by which the request’s token came', async () => {
    const { client, sessions, heads } = await startRouter(logins, { sessions: WRITTEN });
    const session = await sessions.create({ userId: 'ann' });
    await client(undefined, 'batch', { 'x-auth-token': session.token }).mutate('bob');
    expect([heads[0]?.getSetCookie(), heads[0]?.get('x-auth-token')]).toEqual([[], expect.stringMatching(/^ts_/)]);
    const another = await sessions.create({ userId: 'ann' });
    await client(undefined, 'batch', { cookie: `session=${another.token}` }).mutate('bob');
    expect([heads[1]?.getSetCookie().length, heads[1]?.get('x-auth-token')]).toEqual([1, null]);
  });
});

describe.each(httpHosts)('the answer with a token over %s', (name, serve) => {
  /** The application's own headers, as applications of this host set them. */
  function setHeader(options: object, header: string, value: string): void {
    const res: unknown = Reflect.get(options, 'res');
    const resHeaders: unknown = Reflect.get(options, 'resHeaders');
    if (resHeaders instanceof Headers) {
      if (header === 'set-cookie') resHeaders.append(header, value);
      else resHeaders.set(header, value);
      return;
    }
    const append = [Reflect.get(Object(res), 'appendHeader'), Reflect.get(Object(res), 'header')].find(
      (each) => typeof each === 'function',
    );
    const set = header === 'set-cookie' ? append : Reflect.get(Object(res), name === 'fastify' ? 'header' : 'setHeader');
    Reflect.apply(set, res, [header, value]);
  }

  const build = ({ t, open }: RouterKit) =>
    t.router({
      login: open.mutation(async ({ ctx }) => {
        const set = (header: string, value: string) => Reflect.get(ctx, 'setHeader')(header, value);
        set('set-cookie', 'before=1');
        const { token } = await ctx.sessions.create({ userId: 'bob' });
        set('set-cookie', 'after=1; Path=/');
        set('cache-control', 'public, max-age=60');
        return token;
      }),
    });
  const extend = (options: object) => ({ setHeader: (header: string, value: string) => setHeader(options, header, value) });

  test('rule 24: is no-store in the end, and all cookies arrive, the application’s too', async () => {
    const { client, heads } = await startRouter(build, { serve, sessions: WRITTEN, extend });
    const token = await client(undefined, 'single').mutate('login');
    const head = heads[0];
    expect(head?.get('cache-control')).toContain('no-store');
    expect(head?.get('cache-control')).not.toContain('public');
    expect(
      head
        ?.getSetCookie()
        .map((each) => each.split(';')[0])
        .sort(),
    ).toEqual(['after=1', 'before=1', `session=${token}`]);
    expect(head?.get('x-auth-token')).toBe(token);
  });

  test('rule 24: with bearer() alone a mutation that created is no-store too', async () => {
    const { client, heads } = await startRouter(build, { serve, extend });
    await client(undefined, 'single').mutate('login');
    expect(heads[0]?.get('cache-control')).toContain('no-store');
  });
});

test('rule 18: when the head has left nothing is taken back: a streamed login stays though its neighbour fails', async () => {
  const { client, sessions } = await startRouter(
    ({ t, open }) =>
      t.router({
        login: open.mutation(async ({ ctx }) => (await ctx.sessions.create({ userId: 'bob' })).token),
        fail: open.mutation(fail),
      }),
    { serve: overStandalone },
  );
  const ours = client(undefined, 'stream');
  const [token] = await Promise.all([ours.mutate('login'), ours.mutate('fail')]);
  expect((await sessions.fromToken(String(token))).session?.data.userId).toBe('bob');
});
