import { describe, expect, test } from 'vitest';
import { fail } from './support/fail.js';
import { kitOf, type RouterKit, startRouter } from './support/router.js';

describe('nested calls', () => {
  /** A caller for a router, with the context of the procedure. */
  const nested = <Ctx extends object>(
    { t }: RouterKit,
    router: Parameters<RouterKit['t']['createCallerFactory']>[0],
    ctx: Ctx,
  ) => Reflect.apply(t.createCallerFactory(router), undefined, [ctx]);

  test('rule 12: a nested call does not see the outer call’s unsaved changes, and saves its own when it succeeds', async () => {
    const { client, sessions, stored } = await startRouter((kit) => {
      const inner = kit.t.router({
        visit: kit.own.mutation(({ ctx }) => {
          ctx.session.data.views = 1;
          return ctx.session.data.role ?? 'no role';
        }),
      });
      return kit.t.router({
        outer: kit.own.mutation(async ({ ctx }) => {
          ctx.session.data.role = 'admin';
          const seen = await nested(kit, inner, ctx).visit();
          if (seen !== 'no role') return seen;
          return fail();
        }),
      });
    });
    const session = await sessions.create({ userId: 'ann' });
    expect(await client(session.token).mutate('outer')).toBe('FORBIDDEN');
    expect(await stored(session)).toEqual({ userId: 'ann', views: 1 });
  });

  test.each([true, false])(
    'rule 12: the login of a nested call becomes the outer call’s (the outer call succeeds: %s)',
    async (succeeds) => {
      const { client, sessions, events, stored } = await startRouter((kit) => {
        const inner = kit.t.router({
          login: kit.open.mutation(async ({ ctx }) => {
            const session = await ctx.sessions.create({ userId: 'bob' });
            session.data.theme = 'dark';
            return session.id;
          }),
        });
        return kit.t.router({
          outer: kit.open.mutation(async ({ ctx }) => {
            const id = await nested(kit, inner, ctx).login();
            const current = ctx.sessions.current;
            if (current) current.data.views = 7;
            return succeeds ? [id === current?.id, current?.data.userId] : fail();
          }),
        });
      });
      const ann = await sessions.create({ userId: 'ann' });
      events.length = 0;
      const answer = await client(ann.token).mutate('outer');
      const [bob] = await sessions.listFor('bob');
      if (succeeds) {
        expect(answer).toEqual([true, 'bob']);
        expect(bob?.data).toEqual({ userId: 'bob', theme: 'dark', views: 7 });
        expect([await stored(ann), events.length]).toEqual([null, 2]);
      } else {
        expect([answer, bob, events]).toEqual(['FORBIDDEN', undefined, []]);
        expect(await stored(ann)).toEqual({ userId: 'ann' });
      }
    },
  );

  test('rule 12: a nested call that fails does not undo the outer call', async () => {
    const { client, sessions, stored } = await startRouter((kit) => {
      const inner = kit.t.router({
        login: kit.open.mutation(async ({ ctx }) => {
          await ctx.sessions.create({ userId: 'bob' });
          return fail();
        }),
        spoil: kit.own.mutation(({ ctx }) => {
          ctx.session.data.role = 'admin';
          return fail();
        }),
      });
      return kit.t.router({
        outer: kit.own.mutation(async ({ ctx }) => {
          ctx.session.data.theme = 'dark';
          const caller = nested(kit, inner, ctx);
          await caller.login().catch(() => undefined);
          await caller.spoil().catch(() => undefined);
          return ctx.session.data;
        }),
      });
    });
    const session = await sessions.create({ userId: 'ann' });
    expect(await client(session.token).mutate('outer')).toEqual({ userId: 'ann', theme: 'dark' });
    expect(await stored(session)).toEqual({ userId: 'ann', theme: 'dark' });
    expect(await sessions.listFor('bob')).toEqual([]);
  });

  test('rule 12: a nested call of an unguarded procedure logs in for the nested calls that follow', async () => {
    const { client, sessions } = await startRouter((kit) => {
      const inner = kit.t.router({
        login: kit.open.mutation(async ({ ctx }) => (await ctx.sessions.create({ userId: 'bob' })).id),
        who: kit.open.query(({ ctx }) => ctx.session?.data.userId ?? null),
        quit: kit.own.mutation(({ ctx }) => ctx.session.destroy()),
      });
      return kit.t.router({
        outer: kit.bare.mutation(async ({ ctx }) => {
          const caller = nested(kit, inner, ctx);
          const before = await caller.who();
          await caller.login();
          const during = await caller.who();
          await caller.quit();
          return [before, during, await caller.who()];
        }),
      });
    });
    const { token } = await sessions.create({ userId: 'ann' });
    expect(await client(token, 'single').mutate('outer')).toEqual(['ann', 'bob', null]);
    expect([await sessions.listFor('ann'), await sessions.listFor('bob')]).toEqual([[], []]);
  });

  test.each(['createContext', 'fromHeaders', 'fromRequest', 'fromToken'] as const)(
    'rule 12: a caller with the context of %s logs in for that context and the calls that follow',
    async (kind) => {
      const { t, open, own, sessions, createContext } = kitOf();
      const router = t.router({
        login: open.mutation(async ({ ctx }) => (await ctx.sessions.create({ userId: 'bob' })).id),
        who: own.query(({ ctx }) => ctx.session.data.userId),
      });
      const { token } = await sessions.create({ userId: 'ann' });
      const headers = new Headers({ authorization: `Bearer ${token}` });
      const contexts = {
        createContext: () => createContext({ headers }),
        fromHeaders: () => sessions.fromHeaders(headers),
        fromRequest: () => sessions.fromRequest(new Request('http://localhost', { headers })),
        fromToken: () => sessions.fromToken(token),
      };
      const context = await contexts[kind]();
      const caller = t.createCallerFactory(router)(context);
      const id = await caller.login();
      expect([await caller.who(), context.sessions.current?.id]).toEqual(['bob', id]);
    },
  );

  test('rule 12: within handle(), a caller with a context of createContext logs in for that context too', async () => {
    const { t, open, own, sessions, stored, createContext } = kitOf();
    const router = t.router({
      login: open.mutation(async ({ ctx }) => (await ctx.sessions.create({ userId: 'bob' })).id),
      theme: own.mutation(({ ctx }) => {
        ctx.session.data.theme = 'dark';
        return ctx.session.id;
      }),
    });
    const { token } = await sessions.create({ userId: 'ann' });
    const request = new Request('http://localhost', { headers: { authorization: `Bearer ${token}` } });
    const response = await sessions.handle(request, async () => {
      const caller = t.createCallerFactory(router)(createContext({ req: request }));
      return Response.json([await caller.theme(), await caller.login(), await caller.theme()]);
    });
    const [, login, themed]: string[] = await response.json();
    expect(themed).toBe(login);
    expect(await stored({ id: String(login) })).toEqual({ userId: 'bob', theme: 'dark' });
  });

  test('rule 12: three levels deep, a login is undone when the outermost call fails', async () => {
    const { client, sessions, store } = await startRouter((kit) => {
      const deepest = kit.t.router({
        login: kit.open.mutation(async ({ ctx }) => (await ctx.sessions.create({ userId: 'bob' })).id),
      });
      const middle = kit.t.router({
        pass: kit.open.mutation(async ({ ctx }) => {
          await nested(kit, deepest, ctx).login();
          return ctx.sessions.current?.data.userId;
        }),
      });
      return kit.t.router({
        outer: kit.open.mutation(async ({ ctx }) => {
          if ((await nested(kit, middle, ctx).pass()) !== 'bob') return 'the login was lost on the way';
          return fail();
        }),
      });
    });
    expect(await client().mutate('outer')).toBe('FORBIDDEN');
    expect([await sessions.listFor('bob'), await store.count?.()]).toEqual([[], 0]);
  });

  test('rule 12: of a login of the outer call and one of a nested call, only the last remains', async () => {
    const { client, sessions, store } = await startRouter((kit) => {
      const inner = kit.t.router({
        login: kit.open.mutation(async ({ ctx }) => (await ctx.sessions.create({ userId: 'carol' })).id),
      });
      return kit.t.router({
        outer: kit.open.mutation(async ({ ctx }) => {
          await ctx.sessions.create({ userId: 'bob' });
          await nested(kit, inner, ctx).login();
          return ctx.sessions.current?.data.userId;
        }),
      });
    });
    const { token } = await sessions.create({ userId: 'ann' });
    expect(await client(token).mutate('outer')).toBe('carol');
    expect([(await sessions.listFor('carol')).length, await store.count?.()]).toEqual([1, 1]);
  });

  test('rule 12: a nested call does not list the session that the login of the outer call replaces', async () => {
    const { client, sessions } = await startRouter((kit) => {
      const inner = kit.t.router({
        list: kit.own.query(async ({ ctx }) => (await ctx.sessions.list()).map(({ isCurrent }) => isCurrent)),
      });
      return kit.t.router({
        outer: kit.open.mutation(async ({ ctx }) => {
          await ctx.sessions.create({ userId: 'ann' });
          return nested(kit, inner, ctx).list();
        }),
      });
    });
    const { token } = await sessions.create({ userId: 'ann' });
    expect(await client(token).mutate('outer')).toEqual([true]);
  });

  test('rule 18: at the limit of the account, a nested login replaces what the login of the outer call replaces', async () => {
    const maxPerOwner = { max: 2, onLimit: 'deny' } as const;
    const build = (kit: RouterKit) => {
      const inner = kit.t.router({
        login: kit.open.mutation(async ({ ctx }) => (await ctx.sessions.create({ userId: 'ann' })).id),
      });
      return kit.t.router({
        outer: kit.open.mutation(async ({ ctx }) => {
          await ctx.sessions.create({ userId: 'ann' });
          return nested(kit, inner, ctx).login();
        }),
      });
    };
    const { client, sessions } = await startRouter(build, { sessions: { maxPerOwner } });
    const other = await sessions.create({ userId: 'ann' });
    const { token } = await sessions.create({ userId: 'ann' });
    const id = await client(token).mutate('outer');
    expect((await sessions.listFor('ann')).map((each) => each.id)).toEqual([other.id, id]);
  });

  test('rule 18: concurrent nested calls each keep their changes', async () => {
    const { client, sessions, stored } = await startRouter((kit) => {
      const inner = kit.t.router({
        theme: kit.own.mutation(({ ctx }) => {
          ctx.session.data.theme = 'dark';
        }),
        views: kit.own.mutation(async ({ ctx }) => {
          await Promise.resolve();
          ctx.session.data.views = 3;
        }),
      });
      return kit.t.router({
        outer: kit.own.mutation(async ({ ctx }) => {
          const caller = nested(kit, inner, ctx);
          await Promise.all([caller.theme(), caller.views()]);
          return 'done';
        }),
      });
    });
    const session = await sessions.create({ userId: 'ann' });
    expect(await client(session.token).mutate('outer')).toBe('done');
    expect(await stored(session)).toEqual({ userId: 'ann', theme: 'dark', views: 3 });
  });
});
