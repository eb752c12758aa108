import { TRPCError } from '@trpc/server';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Session } from '../../../src/index.js';
import type { Handlers } from './support/app.js';
import { ANN, type Data, gate, openBench } from './support/bench.js';
import { failure } from './support/clients.js';
import { httpHosts, overFetch, type Serve } from './support/hosts.js';

const change: Handlers<Data>['own'] = {
  a: ({ session }) => session.data.a++,
  b: ({ session }) => session.data.b++,
  c: ({ session }) => session.data.c++,
  sameA: ({ session }) => session.data.a++,
  look: ({ session }) => session.data.a,
  failA: ({ session }) => {
    session.data.a = 99;
    throw new TRPCError({ code: 'BAD_REQUEST' });
  },
};

afterEach(() => {
  vi.restoreAllMocks();
});

/**
 * From now on, holds never expire, so a call that waits for one fails the test. Other timers run.
 */
function stopHolds(): void {
  const { setTimeout } = globalThis;
  vi.spyOn(globalThis, 'setTimeout').mockImplementation((run, ms) =>
    setTimeout(ms === 1 || ms === 1_000 ? () => undefined : run, ms),
  );
}

const links = ['batch', 'stream'] as const;
const served = httpHosts.flatMap(([name, serve]) =>
  links.map((link): [string, Serve, 'batch' | 'stream'] => [`${name}, ${link}`, serve, link]),
);

describe('batched calls', () => {
  test.each(served)(
    'invariants 3 and 8: three calls that change the session make one find and one write (%s)',
    async (_, serve, link) => {
      const { store, host, login, client, stored } = await openBench({ own: change }, { serve });
      const token = await login();
      const { own } = client(link, token);
      expect(await Promise.all([own.mutate('a'), own.mutate('b'), own.mutate('c')])).toEqual([0, 0, 0]);
      expect(store.calls).toEqual({ insert: 0, find: 1, replace: 1, delete: 0 });
      expect(await stored(token)).toEqual({ userId: 'ann', a: 1, b: 1, c: 1 });
      await host.stop();
    },
  );

  test.each(links)('invariant 11: changes of a call that then failed are not saved (%s)', async (link) => {
    const { store, login, client, stored } = await openBench({ own: change });
    const token = await login();
    const { own } = client(link, token);
    const results = await Promise.allSettled([
      own.mutate('failA'),
      own.mutate('b'),
      own.mutate('c'),
      own.mutate('look'),
    ]);
    expect(results.map((each) => each.status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
    expect(results.at(-1)).toMatchObject({ value: 0 });
    expect(store.calls).toMatchObject({ find: 1, replace: 1 });
    expect(await stored(token)).toEqual({ userId: 'ann', a: 0, b: 1, c: 1 });
  });

  test.each(links)('a call that changed nothing, or needs no session, delays no other call (%s)', async (link) => {
    const { login, client, store } = await openBench({ own: change });
    const token = await login();
    const { own } = client(link, token);
    stopHolds();
    await Promise.all([own.mutate('a'), own.mutate('look'), own.mutate('failA').catch(() => undefined)]);
    expect(store.calls).toMatchObject({ find: 1, replace: 1 });
  });

  /** Opens the context of each request again, without `info`, as an Express middleware may. */
  const twice: Serve = (served) =>
    overFetch({
      ...served,
      createContext: (options) => {
        const ctx = served.createContext(options);
        if ('req' in options) served.createContext({ req: options.req });
        return ctx;
      },
    });

  test.each([
    ['one context', overFetch],
    ['two contexts', twice],
  ])('in a batch that does not stream, a write waits for a slow neighbour (%s)', async (_, serve) => {
    const { opened, open } = gate();
    const slow = async ({ session }: { session: Session<Data> }) => {
      await opened;
      session.data.b++;
    };
    const { store, login, client } = await openBench({ own: { ...change, slow } }, { serve });
    const { own } = client('batch', await login());
    const results = Promise.all([own.mutate('a'), own.mutate('slow')]);
    await vi.waitFor(() => expect(store.calls.find).toBe(1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(store.calls.replace).toBe(0);
    open();
    await results;
    expect(store.calls.replace).toBe(1);
  });

  test('in a streaming batch, a result does not wait for a slow neighbour', async () => {
    const { opened, open } = gate();
    const { store, login, client } = await openBench({ own: { ...change, slow: () => opened } });
    const { own } = client('stream', await login());
    const slow = own.mutate('slow');
    expect(await own.mutate('a')).toBe(0);
    expect(store.calls.replace).toBe(1);
    open();
    await slow;
  });

  test('when the write fails, only the calls that changed something fail', async () => {
    const { store, login, client } = await openBench({ own: change });
    const { own } = client('batch', await login());
    store.before = (verb) => {
      if (verb === 'replace') throw new Error('down');
    };
    const [a, b, look] = await Promise.allSettled([own.mutate('a'), own.mutate('b'), own.mutate('look')]);
    expect(a).toMatchObject({ reason: { data: { code: 'SERVICE_UNAVAILABLE' } } });
    expect(b).toMatchObject({ reason: { data: { code: 'SERVICE_UNAVAILABLE' } } });
    expect(look).toMatchObject({ value: 0 });
  });

  test('a batch of changes to the same field writes once, and the last change wins', async () => {
    const { store, login, client, stored } = await openBench({ own: change });
    const token = await login();
    const { own } = client('batch', token);
    await Promise.all([own.mutate('a'), own.mutate('sameA')]);
    expect(store.calls.replace).toBe(1);
    expect(await stored(token)).toMatchObject({ a: 1 });
  });

  test('invariant 3: all updates in a batch count', async () => {
    const update = ({ session }: { session: Session<Data> }) => session.update((data) => void data.a++);
    const { store, login, client, stored } = await openBench({ own: { update } });
    const token = await login();
    const { own } = client('batch', token);
    await Promise.all(Array.from({ length: 20 }, () => own.mutate('update')));
    expect(await stored(token)).toMatchObject({ a: 20 });
    expect(store.calls.find).toBe(1);
  });

  test('invariant 8: an anonymous batch, and one without a guard, make no store call', async () => {
    const { store, login, client } = await openBench({ open: { who: ({ session }) => session?.id ?? null } });
    const anonymous = client('batch');
    expect(await Promise.all([anonymous.read.query('who'), anonymous.read.query('who')])).toEqual([null, null]);
    const token = await login();
    await Promise.all([client('batch', token).bare.query(), client('batch', token).bare.query()]);
    expect(store.total()).toBe(0);
  });
});

describe('one call, several guards', () => {
  test('withSession and requireSession share one draft, which is saved once', async () => {
    const { store, login, client, stored } = await openBench({ own: change });
    const token = await login();
    await client('single', token).both.mutate('a');
    expect(store.calls).toMatchObject({ find: 1, replace: 1 });
    expect(await stored(token)).toMatchObject({ a: 1 });
    expect(await failure(client('single').both.mutate('a'))).toMatchObject({ code: 'UNAUTHORIZED', status: 401 });
  });

  test('withSession and requireSession share one draft in a batch as well', async () => {
    const { store, login, client } = await openBench({ own: change });
    const { both } = client('batch', await login());
    stopHolds();
    await Promise.all([both.mutate('a'), both.mutate('b')]);
    expect(store.calls).toMatchObject({ find: 1, replace: 1 });
  });
});

describe('procedures that call procedures', () => {
  /** An application in which `nest` calls the named procedures in turn, on its own context. */
  async function nesting(before: (session: Session<Data>) => void, then: (session: Session<Data>) => unknown) {
    const bench = await openBench(
      {
        own: {
          ...change,
          nest: async (context, { value }) => {
            before(context.session);
            const caller = bench.app.router.createCaller(context);
            for (const name of value.split(' ')) await caller.own(name).catch(() => undefined);
            return then(context.session);
          },
        },
      },
      { serve: overFetch },
    );
    return bench;
  }

  test('the inner call has its own draft and saves at once; the outer draft is merged with it', async () => {
    const seen: unknown[] = [];
    const { store, login, client, stored } = await nesting(
      (session) => session.data.c++,
      (session) => seen.push(store.calls.replace, session.data.a),
    );
    const token = await login();
    await client('single', token).own.mutate('nest:a b');
    expect(seen).toEqual([2, 0]);
    expect(store.calls).toMatchObject({ find: 1, replace: 3 });
    expect(await stored(token)).toEqual({ userId: 'ann', a: 1, b: 1, c: 1 });
  });

  test('invariant 11: changes of a failed inner call are not saved by the outer one, and vice versa', async () => {
    const bench = await nesting(
      () => undefined,
      () => {
        throw new TRPCError({ code: 'BAD_REQUEST' });
      },
    );
    const token = await bench.login();
    expect(await failure(bench.client('single', token).own.mutate('nest:failA b'))).toMatchObject({
      code: 'BAD_REQUEST',
    });
    expect(await bench.stored(token)).toEqual({ ...ANN, b: 1 });
  });

  test.each(links)('in a batch, neither call waits for the other or for a timer (%s)', async (link) => {
    const { store, login, client, stored } = await nesting(
      (session) => session.data.c++,
      () => store.calls.replace,
    );
    const token = await login();
    const { own } = client(link, token);
    stopHolds();
    const [written] = await Promise.all([own.mutate('nest:a a'), own.mutate('nest:b')]);
    expect(written).toBeGreaterThanOrEqual(2);
    expect(await stored(token)).toMatchObject({ b: 1, c: 1 });
  });

  test('a nested call that logs in leaves its session to the outer one', async () => {
    const bench = await openBench({
      open: {
        login: async ({ sessions }) => (await sessions.create(ANN)).token,
        welcome: async (context) => {
          const token = await bench.app.router.createCaller(context).open('login');
          const { current } = context.sessions;
          if (current) current.data.a = 7;
          return token;
        },
      },
    });
    const token = await bench.client('single').open.mutate('welcome');
    expect(bench.store.calls).toEqual({ insert: 1, find: 0, replace: 1, delete: 0 });
    expect(await bench.stored(String(token))).toMatchObject({ a: 7 });
  });
});
