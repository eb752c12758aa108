import { describe, expect, test, vi } from 'vitest';
import { gate } from '../../support/gate.js';
import { kitOf } from './support/router.js';

describe('streams', () => {
  test('rule 20: unchanged data of a stream is as new as the last recheck, changed data stays; reload() gets the newest', async () => {
    vi.useFakeTimers();
    try {
      const kit = kitOf({ recheckInterval: 1_000 });
      const router = kit.t.router({
        watch: kit.own.subscription(async function* ({ ctx }) {
          for (;;) yield { ...ctx.session.data };
        }),
        reload: kit.own.subscription(async function* ({ ctx }) {
          for (;;) {
            await ctx.session.reload();
            yield { ...ctx.session.data };
          }
        }),
      });
      const session = await kit.sessions.create({ userId: 'ann' });
      const context = () => kit.createContext({ headers: { authorization: `Bearer ${session.token}` } });
      const factory = kit.t.createCallerFactory(router);
      const [watch, reload] = await Promise.all([factory(context()).watch(), factory(context()).reload()]);
      const iterators = [watch, reload].map((each) => each[Symbol.asyncIterator]());
      for (const each of iterators) expect((await each.next()).value).toEqual({ userId: 'ann' });
      await (await kit.sessions.find(session.id))?.update((data) => {
        data.role = 'admin';
      });
      expect((await iterators[1]?.next())?.value).toEqual({ userId: 'ann', role: 'admin' });
      await vi.advanceTimersByTimeAsync(1_000);
      expect((await iterators[0]?.next())?.value).toEqual({ userId: 'ann', role: 'admin' });
      for (const each of iterators) await each.return?.();
    } finally {
      vi.useRealTimers();
    }
  });

  test('rule 20: a stream ends at the absolute deadline of its session, even if the store is away', async () => {
    vi.useFakeTimers();
    try {
      const kit = kitOf({ now: Date.now, absoluteTimeout: '1h', idleTimeout: false, recheckInterval: '1m' });
      const router = kit.t.router({
        watch: kit.own.subscription(async function* () {
          yield 'open';
          await new Promise(() => undefined);
        }),
      });
      const session = await kit.sessions.create({ userId: 'ann' });
      const ctx = kit.createContext({ headers: { authorization: `Bearer ${session.token}` } });
      const iterator = (await kit.t.createCallerFactory(router)(ctx).watch())[Symbol.asyncIterator]();
      await iterator.next();
      const ended = iterator.next().then(
        () => 'went on',
        (error: unknown) => error,
      );
      const down = async () => {
        throw new Error('down');
      };
      Object.assign(kit.store, { find: down, findMany: down });
      await vi.advanceTimersByTimeAsync(3_600_000);
      expect(await ended).toMatchObject({ code: 'UNAUTHORIZED' });
    } finally {
      vi.useRealTimers();
    }
  });

  test('rule 20: a rotation elsewhere ends no stream, and later calls on the socket with the replaced token are refused', async () => {
    const kit = kitOf({ rotationGrace: 0, recheckInterval: 1_000 });
    const wait = gate();
    const router = kit.t.router({
      watch: kit.own.subscription(async function* () {
        yield 'open';
        await wait.opened;
        yield 'still open';
      }),
      who: kit.own.query(({ ctx }) => ctx.session.data.userId),
    });
    const session = await kit.sessions.create({ userId: 'ann' });
    const socket = kit.createContext({
      req: { headers: { upgrade: 'websocket', authorization: `Bearer ${session.token}` } },
    });
    const caller = kit.t.createCallerFactory(router)(socket);
    const iterator = (await caller.watch())[Symbol.asyncIterator]();
    await iterator.next();
    const elsewhere = await kit.sessions.fromToken(session.token);
    const next = await elsewhere.session?.rotate();
    expect((await kit.sessions.fromToken(next)).session?.id).toBe(session.id);
    await expect(caller.who()).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    wait.open();
    expect((await iterator.next()).value).toBe('still open');
    await iterator.return?.();
  });

  test('rule 20: an immediate rotation elsewhere ends the streams of the old token, but not those of its own call', async () => {
    const kit = kitOf();
    const rotated = gate();
    const router = kit.t.router({
      watch: kit.own.subscription(async function* () {
        yield 'open';
        await new Promise(() => undefined);
      }),
      rotate: kit.own.subscription(async function* ({ ctx }) {
        yield 'open';
        yield await ctx.session.rotate({ immediate: true });
        rotated.open();
        yield 'still open';
      }),
    });
    const session = await kit.sessions.create({ userId: 'ann' });
    const context = () => kit.createContext({ headers: { authorization: `Bearer ${session.token}` } });
    const factory = kit.t.createCallerFactory(router);
    const [watch, rotate] = await Promise.all([factory(context()).watch(), factory(context()).rotate()]);
    const [old, own] = [watch[Symbol.asyncIterator](), rotate[Symbol.asyncIterator]()];
    await Promise.all([old.next(), own.next()]);
    const ended = old.next().then(
      () => 'went on',
      (error: unknown) => error,
    );
    const { value: token } = await own.next();
    expect((await own.next()).value).toBe('still open');
    expect(await ended).toMatchObject({ code: 'UNAUTHORIZED' });
    expect((await kit.sessions.fromToken(String(token))).session?.id).toBe(session.id);
    await own.return?.();
  });

  test('rule 18: a custom iterator that is closed while it works saves nothing of the current step', async () => {
    const working = gate();
    const kit = kitOf();
    const router = kit.t.router({
      watch: kit.own.subscription(({ ctx }) => ({
        [Symbol.asyncIterator]: () => ({
          next: () => {
            ctx.session.data.role = 'admin';
            working.open();
            return new Promise<IteratorResult<number, undefined>>(() => undefined);
          },
          return: async () => ({ done: true as const, value: undefined }),
        }),
      })),
    });
    const session = await kit.sessions.create({ userId: 'ann' });
    const ctx = kit.createContext({ headers: { authorization: `Bearer ${session.token}` } });
    const iterator = (await kit.t.createCallerFactory(router)(ctx).watch())[Symbol.asyncIterator]();
    void iterator.next();
    await working.opened;
    await iterator.return?.();
    expect(await kit.stored(session)).toEqual({ userId: 'ann' });
  });
});
