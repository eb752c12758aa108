import { describe, expect, test } from 'vitest';
import { gate } from '../../support/gate.js';
import { fail } from './support/fail.js';
import { type Link, startRouter } from './support/router.js';

const LINKS: readonly Link[] = ['batch', 'stream'];

describe.each(LINKS)('calls of one batch over %s', (link) => {
  test('rule 12: a login does not change the session of a neighbouring call', async () => {
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
          return [
            ctx.session.data.userId,
            ctx.sessions.current?.data.userId,
            (await ctx.sessions.load())?.data.userId,
          ];
        }),
      }),
    );
    const { token } = await sessions.create({ userId: 'ann' });
    const ours = client(token, link);
    const [, slow] = await Promise.all([ours.mutate('login'), ours.mutate('slow')]);
    expect(slow).toEqual(['ann', 'ann', 'ann']);
  });

  test("rule 12: a call that begins after a neighbour's login begins with the session of the credential", async () => {
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
    // Ann's, or refused if the login has ended it, but never Bob's.
    expect(['ann', 'UNAUTHENTICATED', 'SESSION_GONE']).toContain(late);
  });

  test('rule 12: the login of a neighbour whose raw input a middleware has replaced is its own', async () => {
    const loggedIn = gate();
    const { client, sessions } = await startRouter(({ t, open }) =>
      t.router({
        login: t.procedure
          .use(async ({ next }) => {
            const result = await next({ getRawInput: async () => 'decoded' });
            loggedIn.open();
            return result;
          })
          .concat(open)
          .mutation(async ({ ctx }) => {
            const { id } = await ctx.sessions.create({ userId: 'bob' });
            return id;
          }),
        late: t.procedure
          .use(async ({ next }) => {
            await loggedIn.opened;
            return next();
          })
          .concat(open)
          .mutation(({ ctx }) => ctx.session?.data.userId ?? null),
      }),
    );
    const { token } = await sessions.create({ userId: 'ann' });
    const ours = client(token, link);
    const [, late] = await Promise.all([ours.mutate('login'), ours.mutate('late')]);
    expect(late).not.toBe('bob');
  });

  test('rule 12: changes of a session that a neighbour has ended are not written', async () => {
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

  test("rule 13: no call sees or saves another's changes, behind a guard, before it or without one", async () => {
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

  test('rule 14: a guard checks the freshness of the call’s own session, whatever a neighbour logs in', async () => {
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
