import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createSessions } from '../../../src/index.js';
import { expressStore } from '../../../src/stores/express-store/index.js';
import { type CallbackVerb, callbackStore } from '../../support/callback-store.js';
import { type Gate, gate } from '../../support/gate.js';
import { HOUR, recordOf } from './records.js';

/** A store whose next call of a kind waits until the gate opens. */
function setUp(callbackTimeout = 60_000) {
  const inner = callbackStore();
  const held = new Map<CallbackVerb, Gate>();
  inner.before = async (verb) => {
    const next = held.get(verb);
    held.delete(verb);
    await next?.opened;
  };
  const hold = (verb: CallbackVerb): Gate => {
    const next = gate();
    held.set(verb, next);
    return next;
  };
  const called = (call: string) => vi.waitFor(() => expect(inner.calls).toContain(call));
  return { inner, hold, called, store: expressStore(inner, { callbackTimeout }), options: { callbackTimeout } };
}

/** Lets a late write of a deleted session happen, and expects that it is undone. */
async function expectUndone(inner: ReturnType<typeof callbackStore>, id: string, write: Gate): Promise<void> {
  inner.calls.length = 0;
  write.open();
  await vi.waitFor(() => expect(inner.calls).toEqual([`destroy ${id}`]));
  await vi.waitFor(() => expect(inner.sessions.size).toBe(0));
}

async function settled(promise: Promise<unknown>): Promise<unknown> {
  const nothing = Symbol('pending');
  await new Promise((resolve) => setImmediate(resolve));
  return Promise.race([
    promise.then((value) => ({ value })).catch((error: unknown) => ({ error })),
    Promise.resolve(nothing),
  ]);
}

describe('operations on one session in a process', () => {
  test('run one after the other, also through different adapters of the same store', async () => {
    const { inner, hold, called, store } = setUp();
    const another = expressStore(inner);
    const record = recordOf({ n: 0 });
    await store.insert(record, HOUR);
    const set = hold('set');
    inner.calls.length = 0;
    const first = store.replace({ ...record, version: 'a' }, record.version, HOUR);
    await called(`set ${record.id}`);
    const second = another.replace({ ...record, version: 'b' }, record.version, HOUR);
    const third = another.delete(record.id);
    const fourth = store.replace({ ...record, version: 'c' }, 'a', HOUR);
    expect(await settled(second)).toBeTypeOf('symbol');
    expect(inner.calls).toEqual([`get ${record.id}`, `set ${record.id}`]);
    set.open();
    expect(await Promise.all([first, second, third, fourth])).toEqual(['replaced', 'conflict', true, 'gone']);
    expect(inner.sessions.size).toBe(0);
  });

  test('do not wait for operations on other sessions, and a find does not wait', async () => {
    const { hold, called, store } = setUp();
    const [one, other] = [recordOf({}), recordOf({})];
    await store.insert(one, HOUR);
    const set = hold('set');
    const held = store.replace({ ...one, version: 'a' }, one.version, HOUR);
    await called(`set ${one.id}`);
    expect(await store.insert(other, HOUR)).toBe('inserted');
    expect(await store.find(one.id)).toEqual(one);
    set.open();
    expect(await held).toBe('replaced');
  });

  test('invariant 3: count all of 50 concurrent updates by two applications', async () => {
    const { inner } = setUp();
    const [a, b] = [0, 1].map(() => createSessions<{ n: number }>({ store: expressStore(inner) }));
    const session = await a?.create({ n: 0 });
    const count = async (sessions: typeof a) =>
      (await sessions?.find(session?.id ?? ''))?.update((data) => {
        data.n += 1;
      });
    await Promise.all(Array.from({ length: 50 }, (_, i) => count(i % 2 === 0 ? a : b)));
    expect((await a?.find(session?.id ?? ''))?.data.n).toBe(50);
  });

  test('wait for the one before them, also when the one before that has just ended', async () => {
    const { inner, hold, called, store } = setUp();
    const record = recordOf({});
    await store.insert(record, HOUR);
    inner.calls.length = 0;
    const [first, second] = [hold('set'), gate()];
    const one = store.replace({ ...record, version: 'a' }, record.version, HOUR);
    const two = store.replace({ ...record, version: 'b' }, 'a', HOUR);
    await called(`set ${record.id}`);
    inner.before = (verb) => (verb === 'set' ? second.opened : undefined);
    inner.calls.length = 0;
    first.open();
    expect(await one).toBe('replaced');
    await called(`set ${record.id}`);
    const three = store.delete(record.id);
    expect(await settled(three)).toBeTypeOf('symbol');
    expect(inner.calls).toEqual([`get ${record.id}`, `set ${record.id}`]);
    second.open();
    expect(await Promise.all([two, three])).toEqual(['replaced', true]);
  });

  test('leave no queue behind after the last one, even if it failed', async () => {
    const { inner, store } = setUp();
    inner.before = (verb) => (verb === 'set' ? Promise.reject(new Error('full')) : undefined);
    const record = recordOf({});
    await expect(store.insert(record, HOUR)).rejects.toThrow('full');
    inner.before = undefined;
    expect(await store.insert(record, HOUR)).toBe('inserted');
  });
});

describe('a store that does not call back', () => {
  test('blocks its session until callbackTimeout, but no longer', async () => {
    const { hold, store } = setUp(30);
    const record = recordOf({});
    hold('get');
    await expect(store.insert(record, HOUR)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    expect(await store.insert(record, HOUR)).toBe('inserted');
  });

  test('does not keep the process running until then', async () => {
    const { hold, store } = setUp();
    const get = hold('get');
    const timers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
    const before = timers();
    const found = store.find(recordOf({}).id);
    expect(timers()).toBe(before);
    get.open();
    expect(await found).toBeNull();
  });

  test('has a timer only until it has called back', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { hold, store } = setUp();
    const get = hold('get');
    const found = store.find(recordOf({}).id);
    expect(vi.getTimerCount()).toBe(1);
    get.open();
    await found;
    expect(vi.getTimerCount()).toBe(0);
  });

  test('does not start operations that have waited longer than that', async () => {
    const { inner, store } = setUp(30);
    const { opened, open } = gate();
    inner.before = () => opened;
    const record = recordOf({});
    // Each of the first two fails after its time. By then, the others have waited twice as long.
    const calls = [
      store.delete(record.id),
      store.delete(record.id),
      store.delete(record.id),
      store.insert(record, HOUR),
    ];
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'rejected']);
    expect(inner.calls.length).toBeLessThanOrEqual(2);
    open();
  });

  test('invariant 2: a write that happens after its time-out does not restore a deleted session', async () => {
    const { inner, hold, store } = setUp(30);
    const record = recordOf({});
    await store.insert(record, HOUR);
    const set = hold('set');
    await expect(store.replace({ ...record, version: 'a' }, record.version, HOUR)).rejects.toThrow('30 ms');
    expect(await store.delete(record.id)).toBe(true);
    await expectUndone(inner, record.id, set);
  });

  test('invariant 2: several such writes of a deleted session do not restore it, whenever they happen', async () => {
    const { inner, hold, store } = setUp(100);
    const record = recordOf({});
    await store.insert(record, HOUR);
    const writes = [hold('set')];
    await expect(store.replace({ ...record, version: 'a' }, record.version, HOUR)).rejects.toThrow('100 ms');
    writes.push(hold('set'));
    await expect(store.replace({ ...record, version: 'b' }, record.version, HOUR)).rejects.toThrow('100 ms');
    expect(await store.delete(record.id)).toBe(true);
    for (const write of writes) await expectUndone(inner, record.id, write);
  });

  test('a late write does not matter any more when its session is written again', async () => {
    const { inner, hold, store } = setUp(100);
    const record = recordOf({});
    const early = hold('set');
    await expect(store.insert(record, HOUR)).rejects.toThrow('100 ms');
    expect(await store.delete(record.id)).toBe(false);
    early.open();
    await vi.waitFor(() => expect(inner.calls.at(-1)).toBe(`destroy ${record.id}`));
    inner.calls.length = 0;
    const late = hold('set');
    await expect(store.insert(record, HOUR)).rejects.toThrow('100 ms');
    late.open();
    await vi.waitFor(async () => expect(await store.find(record.id)).toEqual(record));
    await new Promise((resolve) => setImmediate(resolve));
    // This one waits for whatever the late write has begun.
    expect(await store.insert(record, HOUR)).toBe('inserted');
    expect(inner.calls).not.toContain(`destroy ${record.id}`);
  });

  test('a write that happens late without a deletion stays', async () => {
    const { inner, hold, store } = setUp(30);
    const record = recordOf({});
    const set = hold('set');
    await expect(store.insert(record, HOUR)).rejects.toThrow('30 ms');
    set.open();
    await vi.waitFor(async () => expect(await store.find(record.id)).toEqual(record));
    await new Promise((resolve) => setImmediate(resolve));
    expect(inner.calls.filter((call) => call.startsWith('destroy'))).toEqual([]);
    expect(await store.delete(record.id)).toBe(true);
  });
});

describe('invariant 6: a store that reports that it is disconnected', () => {
  test('is STORE_UNAVAILABLE at once, without a call, until it reports that it is connected', async () => {
    const { inner, store } = setUp();
    const events: string[] = [];
    const sessions = createSessions<object>({ store, storeTimeout: '1m' });
    sessions.on('store-error', (event) => events.push(event.reason));
    const { token } = await sessions.create({ a: 1 });
    inner.emit('disconnect', new Error('ECONNRESET'));
    inner.calls.length = 0;
    await expect(sessions.fromToken(token)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(sessions.create({})).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect([inner.calls, events]).toEqual([
      [],
      [expect.stringContaining('disconnected'), expect.stringContaining('disconnected')],
    ]);
    inner.emit('connect');
    expect((await sessions.fromToken(token)).session?.data).toEqual({ a: 1 });
  });

  test('ends the wait of running operations and of those that wait behind them', async () => {
    const { inner, hold, called, store } = setUp();
    const record = recordOf({});
    await store.insert(record, HOUR);
    const set = hold('set');
    const calls = [store.replace({ ...record, version: 'a' }, record.version, HOUR), store.delete(record.id)];
    await called(`set ${record.id}`);
    const failed = calls.map((each) => expect(each).rejects.toMatchObject({ code: 'ENOTCONN' }));
    inner.emit('disconnect');
    await Promise.all(failed);
    set.open();
    inner.emit('connect');
    // The running operation continued: it may have happened, as after every failure of a store.
    await vi.waitFor(async () => expect(await store.find(record.id)).toBeNull());
  });

  test('works if it was disconnected from the start and connects later', async () => {
    const { inner, store } = setUp();
    inner.emit('disconnect');
    inner.emit('disconnect');
    inner.emit('connect');
    expect(await store.insert(recordOf({}), HOUR)).toBe('inserted');
  });
});
