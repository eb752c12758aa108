import { describe, expect, test, vi } from 'vitest';
import { gate } from '../../support/gate.js';
import { socketClient } from './support/clients.js';
import { fail } from './support/fail.js';
import { overWebSocket } from './support/hosts.js';
import { kitOf, startRouter, told } from './support/router.js';

describe('middlewares that run a guard again', () => {
  test('rule 12: a guard that runs again begins a new call, without the changes and logins of the first try', async () => {
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

  test('rule 12: work that a middleware repeats after the guard belongs to one call', async () => {
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

  test('rule 12: over HTTP, a create() before the guard does not change a call that has begun', async () => {
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
    // Inside the call, its own create changes it, also for its later guard.
    expect(await client(token).mutate('inside')).toEqual(['bob', true]);
  });

  test('rule 13: a draft outside a guard is never saved on its own, and causes one warning', async () => {
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

  test('rule 12: a call begins with the current session of the socket, and keeps it', async () => {
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

  test('rule 12: a failed call on a socket leaves the connection’s session unchanged', async () => {
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
    'rule 15: a socket whose context is built from %s looks the session up at each call',
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

  test('rule 13: contexts before the guard on a socket each have their own draft', async () => {
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

  test('rule 17: refused calls leave nothing on the socket: its session’s signal is not followed', async () => {
    const kit = kitOf();
    const subscribe = vi.spyOn(kit.store, 'subscribe');
    const router = kit.t.router({ own: kit.own.mutation(() => 'in') });
    const ctx = kit.createContext({ req: { headers: { upgrade: 'websocket' } } });
    const caller = kit.t.createCallerFactory(router)(ctx);
    for (let call = 0; call < 1_000; call += 1)
      await expect(caller.own()).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    expect(subscribe).not.toHaveBeenCalled();
  });
});
