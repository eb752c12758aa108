import { TRPCError } from '@trpc/server';
import { describe, expect, test, vi } from 'vitest';
import { gate } from '../../support/gate.js';
import { socketClient } from './support/clients.js';
import { overWebSocket } from './support/hosts.js';
import { kitOf, type Link, type RouterKit, startRouter, told } from './support/router.js';

const LINKS: readonly Link[] = ['batch', 'stream'];
const fail = (): never => {
  throw new TRPCError({ code: 'FORBIDDEN' });
};

describe.each(LINKS)('calls of one batch over %s', (link) => {
  test('rule 12: a login beside a call changes nothing of what that call acts for', async () => {
    const [read, loggedIn] = [gate(), gate()];
    const { client, sessions } = await startRouter(({ t, open, own }) =>
      t.router({
        login: open.mutation(async ({ ctx }) => {
          await read.opened;
          await ctx.sessions.create({ userId: 'bob' });
          loggedIn.open();
          return 'ok';
        }),
        slow: own.mutation(async ({ ctx }) => {
          read.open();
          await loggedIn.opened;
          return [ctx.session.data.userId, ctx.sessions.current?.data.userId, (await ctx.sessions.load())?.data.userId];
        }),
      }),
    );
    const { token } = await sessions.create({ userId: 'ann' });
    const ours = client(token, link);
    const [, slow] = await Promise.all([ours.mutate('login'), ours.mutate('slow')]);
    expect(slow).toEqual(['ann', 'ann', 'ann']);
  });

  test('rule 12: a call that begins when a neighbour has logged in begins with the session of the credential', async () => {
    const loggedIn = gate();
    const { client, sessions } = await startRouter(({ t, open, own }) => {
      const waiting = t.middleware(async ({ next }) => {
        await loggedIn.opened;
        return next();
      });
      return t.router({
        login: open.mutation(async ({ ctx }) => {
          await ctx.sessions.create({ userId: 'bob' });
          loggedIn.open();
        }),
        late: t.procedure
          .use(waiting)
          .concat(own)
          .mutation(({ ctx }) => ctx.session.data.userId),
      });
    });
    const { token } = await sessions.create({ userId: 'ann' });
    const ours = client(token, link);
    const [, late] = await Promise.all([ours.mutate('login'), ours.mutate('late')]);
    // Ann's, or refused when the login has ended it: never Bob's.
    expect(['ann', 'UNAUTHENTICATED', 'SESSION_GONE']).toContain(late);
  });

  test('rule 12: what a call does to a session that a neighbour has ended is written nowhere', async () => {
    const [working, loggedOut] = [gate(), gate()];
    const { client, sessions, events, stored } = await startRouter(({ t, own }) =>
      t.router({
        logout: own.mutation(async ({ ctx }) => {
          await working.opened;
          await ctx.session.destroy();
          loggedOut.open();
        }),
        save: own.mutation(async ({ ctx }) => {
          working.open();
          await loggedOut.opened;
          ctx.session.data.theme = 'dark';
          await ctx.session.save();
        }),
        update: own.mutation(async ({ ctx }) => {
          await loggedOut.opened;
          await ctx.session.update((data) => {
            data.theme = 'dark';
          });
        }),
        change: own.mutation(async ({ ctx }) => {
          await loggedOut.opened;
          ctx.session.data.theme = 'dark';
          return 'changed';
        }),
      }),
    );
    const session = await sessions.create({ userId: 'ann' });
    const ours = client(session.token, link);
    const answers = await Promise.all(['logout', 'save', 'update', 'change'].map((path) => ours.mutate(path)));
    expect(answers.slice(1)).toEqual(['SESSION_GONE', 'SESSION_GONE', 'changed']);
    expect(await stored(session)).toBeNull();
    expect(events).toContain(`gone ${session.id}`);
  });

  test('rule 13: no call sees or saves what another has changed, behind a guard, before it or without one', async () => {
    const [changed, looked] = [gate(), gate()];
    const { client, sessions, stored } = await startRouter(({ t, own, bare }) => {
      const seen = t.middleware(async ({ ctx, next }) => {
        await changed.opened;
        return next({ ctx: { before: (await ctx.sessions.load())?.data.role } });
      });
      return t.router({
        promote: own.mutation(async ({ ctx }) => {
          ctx.session.data.role = 'admin';
          changed.open();
          await looked.opened;
          return fail();
        }),
        bare: bare.mutation(async ({ ctx }) => {
          await changed.opened;
          return [(await ctx.sessions.load())?.data.role ?? null, ctx.sessions.current?.data.role ?? null];
        }),
        wipe: bare
          .use(seen)
          .concat(own)
          .mutation(async ({ ctx }) => {
            ctx.session.data.theme = 'dark';
            await ctx.session.save();
            looked.open();
            return [ctx.before ?? null, ctx.session.data.role ?? null];
          }),
      });
    });
    const session = await sessions.create({ userId: 'ann' });
    const ours = client(session.token, link);
    expect(await Promise.all([ours.mutate('promote'), ours.mutate('bare'), ours.mutate('wipe')])).toEqual([
      'FORBIDDEN',
      [null, null],
      [null, null],
    ]);
    expect(await stored(session)).toEqual({ userId: 'ann', theme: 'dark' });
  });

  test('rule 14: a guard looks at the freshness of the call’s own session, whatever a neighbour logs in', async () => {
    const [loaded, loggedIn] = [gate(), gate()];
    const { client, sessions, clock } = await startRouter(({ t, open, own, requireFresh }) => {
      const waiting = t.middleware(async ({ next }) => {
        loaded.open();
        await loggedIn.opened;
        return next();
      });
      return t.router({
        login: open.mutation(async ({ ctx }) => {
          await loaded.opened;
          await ctx.sessions.create({ userId: 'mallory' });
          loggedIn.open();
        }),
        change: own
          .use(waiting)
          .concat(requireFresh('5m'))
          .mutation(({ ctx }) => ctx.session.data.userId),
      });
    });
    const { token } = await sessions.create({ userId: 'ann' });
    clock.advance(3_600_000);
    const ours = client(token, link);
    const [, change] = await Promise.all([ours.mutate('login'), ours.mutate('change')]);
    expect(['STEP_UP_REQUIRED', 'UNAUTHENTICATED']).toContain(change);
  });
});

describe('nested calls', () => {
  /** A caller of a router that is made with the context of the procedure. */
  const nested = <Ctx extends object>({ t }: RouterKit, router: Parameters<RouterKit['t']['createCallerFactory']>[0], ctx: Ctx) =>
    Reflect.apply(t.createCallerFactory(router), undefined, [ctx]);

  test('rule 12: a nested call does not see the outer one’s unsaved changes, and saves its own when it succeeds', async () => {
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

  test('rule 12: a nested call that fails takes nothing of the outer one with it', async () => {
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

  test('rule 12: a nested call from an unguarded procedure logs in for those that follow in it', async () => {
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

  test('rule 12: three levels deep, a login is taken back when the outermost call fails', async () => {
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

  test('rule 12: a login of the outer call and one of a nested call leave the last one alone', async () => {
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

  test('rule 18: nested calls beside each other each keep what they changed', async () => {
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

describe('middlewares that run a guard again', () => {
  test('rule 12: a guard that runs again begins a new call: what the first try changed or created is gone', async () => {
    const { client, sessions, stored, events } = await startRouter(({ t, open }) => {
      const retrying = t.middleware(async ({ next }) => {
        const first = await next();
        return first.ok ? first : next();
      });
      let tries = 0;
      return t.router({
        flaky: t.procedure
          .use(retrying)
          .concat(open)
          .mutation(async ({ ctx }) => {
            tries += 1;
            const seen = { ...ctx.session?.data };
            if (ctx.session) ctx.session.data.role = `try ${tries}`;
            if (tries > 1) return seen;
            await ctx.sessions.create({ userId: 'bob' });
            throw new Error('once');
          }),
      });
    });
    const session = await sessions.create({ userId: 'ann' });
    events.length = 0;
    expect(await client(session.token).mutate('flaky')).toEqual({ userId: 'ann' });
    expect(await stored(session)).toEqual({ userId: 'ann', role: 'try 2' });
    expect([await sessions.listFor('bob'), events]).toEqual([[], []]);
  });

  test('rule 12: what a middleware after the guard repeats belongs to one call', async () => {
    const { client, sessions, stored } = await startRouter(({ t, own }) => {
      const retrying = t.middleware(async ({ next }) => {
        const first = await next();
        return first.ok ? first : next();
      });
      let tries = 0;
      return t.router({
        flaky: own.use(retrying).mutation(({ ctx }) => {
          tries += 1;
          ctx.session.data.views = (ctx.session.data.views ?? 0) + 1;
          if (tries === 1) throw new Error('once');
          return ctx.session.data.views;
        }),
      });
    });
    const session = await sessions.create({ userId: 'ann' });
    expect(await client(session.token).mutate('flaky')).toBe(2);
    expect(await stored(session)).toEqual({ userId: 'ann', views: 2 });
  });

  test('rule 12: over HTTP a create() before the guard changes no call that has begun', async () => {
    const { client, sessions } = await startRouter(({ t, own }) => {
      const creating = t.middleware(async ({ ctx, next }) => {
        const created = await ctx.sessions.create({ userId: 'bob' });
        return next({ ctx: { created: created.id } });
      });
      return t.router({
        inside: own
          .use(creating)
          .concat(own)
          .mutation(({ ctx }) => [ctx.session.data.userId, ctx.session.id === ctx.created]),
      });
    });
    const { token } = await sessions.create({ userId: 'ann' });
    // Inside the call: its own create changes it, for its later guard too.
    expect(await client(token).mutate('inside')).toEqual(['bob', true]);
  });

  test('rule 13: a draft outside a guard is never saved on its own, and the logger is told once', async () => {
    const { client, sessions, stored, warnings } = await startRouter(({ t, bare, own }) =>
      t.router({
        bare: bare.mutation(async ({ ctx }) => {
          const session = await ctx.sessions.load();
          if (session) session.data.role = 'admin';
          return 'done';
        }),
        own: own.mutation(({ ctx }) => {
          ctx.session.data.theme = 'dark';
        }),
      }),
    );
    const session = await sessions.create({ userId: 'ann' });
    for (let round = 0; round < 3; round += 1) {
      const ours = client(session.token);
      await Promise.all([ours.mutate('bare'), ours.mutate('own')]);
    }
    expect(await stored(session)).toEqual({ userId: 'ann', theme: 'dark' });
    expect(warnings.filter((each) => each.includes('save() or update()'))).toHaveLength(1);
  });

  test('rule 18: outside a guard save(), update() and create() write at once', async () => {
    const { client, sessions, stored } = await startRouter(({ t, bare }) =>
      t.router({
        save: bare.mutation(async ({ ctx }) => {
          const session = await ctx.sessions.load();
          if (session) session.data.theme = 'dark';
          await session?.save();
          return fail();
        }),
        update: bare.mutation(async ({ ctx }) => {
          await (await ctx.sessions.load())?.update((data) => {
            data.views = (data.views ?? 0) + 1;
          });
          return fail();
        }),
        create: bare.mutation(async ({ ctx }) => {
          await ctx.sessions.create({ userId: 'bob' });
          return fail();
        }),
      }),
    );
    const session = await sessions.create({ userId: 'ann' });
    for (const path of ['save', 'update']) expect(await client(session.token).mutate(path)).toBe('FORBIDDEN');
    expect(await stored(session)).toEqual({ userId: 'ann', theme: 'dark', views: 1 });
    expect(await client(session.token).mutate('create')).toBe('FORBIDDEN');
    expect((await sessions.listFor('bob')).length).toBe(1);
    expect(await stored(session)).toBeNull();
  });
});

describe('calls of one socket', () => {
  async function onSocket(build: Parameters<typeof startRouter>[0]) {
    const started = await startRouter(build);
    const socket = await overWebSocket({ router: started.router, createContext: started.createContext });
    const connect = (token: string) => {
      const { client, close } = socketClient(socket.url, { token });
      return { mutate: (path: string) => told(Reflect.get(client, path).mutate()), close };
    };
    const stop = async () => socket.stop();
    return { ...started, connect, stop };
  }

  test('rule 12: a call begins with the session that the socket has then, and keeps it', async () => {
    const [read, loggedIn] = [gate(), gate()];
    const { connect, sessions, stop } = await onSocket(({ t, open, own }) =>
      t.router({
        login: open.mutation(async ({ ctx }) => {
          await read.opened;
          await ctx.sessions.create({ userId: 'bob' });
        }),
        slow: own.mutation(async ({ ctx }) => {
          read.open();
          await loggedIn.opened;
          return ctx.session.data.userId;
        }),
        who: open.mutation(({ ctx }) => ctx.session?.data.userId ?? null),
      }),
    );
    const { token } = await sessions.create({ userId: 'ann' });
    const { mutate, close } = connect(token);
    const slow = mutate('slow');
    await mutate('login');
    const after = await mutate('who');
    loggedIn.open();
    expect([await slow, after]).toEqual(['ann', 'bob']);
    await close();
    await stop();
  });

  test('rule 12: a call that failed on a socket leaves the connection’s session as it was', async () => {
    const { connect, sessions, stop } = await onSocket(({ t, open }) =>
      t.router({
        login: open.mutation(async ({ ctx }) => {
          await ctx.sessions.create({ userId: 'bob' });
          return fail();
        }),
        who: open.mutation(({ ctx }) => ctx.session?.data.userId ?? null),
      }),
    );
    const { token } = await sessions.create({ userId: 'ann' });
    const { mutate, close } = connect(token);
    expect([await mutate('login'), await mutate('who')]).toEqual(['FORBIDDEN', 'ann']);
    expect(await sessions.listFor('bob')).toEqual([]);
    await close();
    await stop();
  });

  test.each(['whole', 'req alone', 'headers alone'])(
    'rule 15: a socket whose context is built of %s looks the session up at each call',
    async (shape) => {
      const kit = kitOf();
      const router = kit.t.router({ who: kit.open.mutation(({ ctx }) => ctx.session?.data.userId ?? null) });
      const socket = await overWebSocket({
        router,
        createContext: (options) => {
          if (shape === 'whole' || !('req' in options)) return kit.createContext(options);
          return kit.createContext(shape === 'req alone' ? { req: options.req } : { headers: options.req.headers });
        },
      });
      const { token, id } = await kit.sessions.create({ userId: 'ann' });
      const { WebSocket } = await import('ws');
      const connection = new WebSocket(socket.url, { headers: { authorization: `Bearer ${token}` } });
      await new Promise((resolve) => connection.once('open', resolve));
      const ask = (number: number) =>
        new Promise<unknown>((resolve) => {
          connection.once('message', (message) => resolve(JSON.parse(String(message)).result?.data ?? null));
          connection.send(JSON.stringify({ id: number, method: 'mutation', params: { path: 'who' } }));
        });
      expect(await ask(1)).toBe('ann');
      await kit.sessions.destroy(id);
      expect(await ask(2)).toBeNull();
      connection.close();
      await socket.stop();
    },
  );

  test('rule 13: contexts before the guard on a socket have drafts of their own, each', async () => {
    const changed = gate();
    const { connect, sessions, stop, stored } = await onSocket(({ t, bare }) =>
      t.router({
        change: bare.mutation(async ({ ctx }) => {
          const session = await ctx.sessions.load();
          if (session) session.data.role = 'admin';
          changed.open();
          return 'changed';
        }),
        look: bare.mutation(async ({ ctx }) => {
          await changed.opened;
          return (await ctx.sessions.load())?.data.role ?? 'no role';
        }),
      }),
    );
    const session = await sessions.create({ userId: 'ann' });
    const { mutate, close } = connect(session.token);
    const [, look] = await Promise.all([mutate('change'), mutate('look')]);
    expect(look).toBe('no role');
    expect(await mutate('look')).toBe('no role');
    expect(await stored(session)).toEqual({ userId: 'ann' });
    await close();
    await stop();
  });

  test('rule 17: calls that were refused leave nothing on the socket: its session’s signal is not followed', async () => {
    const kit = kitOf();
    const subscribe = vi.spyOn(kit.store, 'subscribe');
    const router = kit.t.router({ own: kit.own.mutation(() => 'in') });
    const ctx = kit.createContext({ req: { headers: { upgrade: 'websocket' } } });
    const caller = kit.t.createCallerFactory(router)(ctx);
    for (let call = 0; call < 1_000; call += 1) await expect(caller.own()).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    expect(subscribe).not.toHaveBeenCalled();
  });
});
