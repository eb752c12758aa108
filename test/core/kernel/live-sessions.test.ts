import { afterEach, describe, expect, test, vi } from 'vitest';
import { EventHub } from '../../../src/core/events.js';
import { GuardedStore } from '../../../src/core/kernel/guarded-store.js';
import { LiveSessions } from '../../../src/core/kernel/live-sessions.js';
import { normaliseOptions } from '../../../src/core/kernel/settings.js';
import { encodeBody } from '../../../src/core/record/codec.js';
import type { Logger, SessionRecord, SessionStore, StoreListener } from '../../../src/index.js';
import { countingStore } from '../../support/counting-store.js';

const A = '01900000-0000-7000-8000-00000000000a';
const B = '01900000-0000-7000-8000-00000000000b';
const FAR = 8.64e15;

interface Options {
  readonly recheckInterval?: number;
  readonly storeTimeout?: number;
  readonly logger?: Logger;
  /**
   * Replaces a verb of the fake store. `subscribe: undefined` is a store without notifications.
   */
  readonly findMany?: SessionStore['findMany'];
  readonly subscribe?: SessionStore['subscribe'] | undefined;
}

/** The store's answer for an id: a deadline, `null` for no record, or an unreadable record. */
type Standing = number | null | 'unreadable';

/** Live sessions on a store whose every answer the test chooses. */
function setUp(options: Options = {}) {
  const { recheckInterval = 30_000, storeTimeout = 2_000, logger } = options;
  const standings = new Map<string, Standing>();
  const lookUps: string[][] = [];
  const told = new Map<string, string[]>([
    [A, []],
    [B, []],
  ]);
  const state = { listener: undefined as StoreListener | undefined, opened: 0, closed: 0 };
  const answer = (ids: readonly string[]) => ids.map((id) => recordOf(id, standings.get(id)));
  const findMany: SessionStore['findMany'] = async (ids) => {
    lookUps.push([...ids]);
    return answer(ids);
  };
  const opening: SessionStore['subscribe'] = async (listener) => {
    state.listener = listener;
    state.opened += 1;
    return async () => {
      state.closed += 1;
      state.listener = undefined;
    };
  };
  const subscribe = 'subscribe' in options ? options.subscribe : opening;
  const store: SessionStore = {
    ...countingStore(),
    findMany: options.findMany ?? findMany,
    ...(subscribe && { subscribe }),
  };
  const noLimits = { idleTimeout: false, absoluteTimeout: false } as const;
  const settings = normaliseOptions({ store, recheckInterval, storeTimeout, logger, ...noLimits });
  const live = new LiveSessions(new GuardedStore(store, storeTimeout, new EventHub(logger), logger), settings);
  const watch = (id: string, latest?: number) =>
    live.watch(id, { ended: (reason) => told.get(id)?.push(reason.message) }, latest);
  return { live, standings, lookUps, told, state, watch, answer };
}

function recordOf(id: string, standing: Standing = FAR): SessionRecord | null {
  if (standing === null) return null;
  const state = { tokens: { current: 'x'.repeat(43) }, authenticatedAt: 0, lastActiveAt: 0, stored: {} };
  const body = standing === 'unreadable' ? 'not JSON' : encodeBody(state, 1_000);
  return { id, version: 'v', createdAt: 0, expiresAt: standing === 'unreadable' ? FAR : standing, body };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('live sessions', () => {
  test('opens and asks nothing before the first watcher; all share one connection, which closes after the last', async () => {
    const { state, lookUps, watch } = setUp();
    expect(state.opened).toBe(0);
    const stop = [watch(A), watch(A), watch(B)];
    await vi.waitFor(() => expect(lookUps).toEqual([[A, B]]));
    expect(state.opened).toBe(1);
    stop[0]?.();
    stop[2]?.();
    stop[2]?.();
    expect(state.closed).toBe(0);
    stop[1]?.();
    await vi.waitFor(() => expect(state.closed).toBe(1));
    watch(A);
    await vi.waitFor(() => expect(state.opened).toBe(2));
  });

  test('invariant 5: finds an end between the registration and the look-up, which follows the notifications', async () => {
    let open = (_stop: () => Promise<void>) => {};
    const { standings, lookUps, told, watch } = setUp({ subscribe: () => new Promise((resolve) => (open = resolve)) });
    watch(A);
    expect(lookUps).toEqual([]);
    standings.set(A, null);
    open(async () => {});
    await vi.waitFor(() => expect(told.get(A)).toEqual([expect.stringContaining('has ended: destroyed')]));
  });

  test('invariant 5: a notification ends the watchers of its session once, and no others', async () => {
    const { state, told, watch, live, lookUps } = setUp();
    watch(A);
    watch(A);
    watch(B);
    await vi.waitFor(() => expect(lookUps).toHaveLength(1));
    state.listener?.ended([A, 'unknown']);
    state.listener?.ended([A]);
    expect(told.get(A)).toHaveLength(2);
    expect(told.get(B)).toEqual([]);
    expect(live.size).toBe(1);
  });

  test('invariant 5: looks everything up again after a gap', async () => {
    const { state, standings, told, watch, lookUps } = setUp();
    watch(A);
    watch(B);
    await vi.waitFor(() => expect(lookUps).toHaveLength(1));
    standings.set(B, null);
    state.listener?.gap();
    await vi.waitFor(() => expect(told.get(B)).toHaveLength(1));
    expect(told.get(A)).toEqual([]);
  });

  test('invariant 5: without notifications, the recheck finds the end within its interval', async () => {
    vi.useFakeTimers();
    const { standings, told, watch, lookUps } = setUp({ subscribe: undefined, recheckInterval: 1_000 });
    watch(A);
    await vi.advanceTimersByTimeAsync(0);
    expect(lookUps).toEqual([[A]]);
    standings.set(A, null);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(told.get(A)).toHaveLength(1);
    const before = lookUps.length;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(lookUps).toHaveLength(before);
  });

  test('invariant 7: watchers end at the deadline, unless use has moved it', async () => {
    vi.useFakeTimers();
    const { standings, told, watch } = setUp({ recheckInterval: 60_000 });
    const start = Date.now();
    standings.set(A, start + 5_000);
    standings.set(B, start + 5_000);
    watch(A);
    watch(B);
    await vi.advanceTimersByTimeAsync(4_999);
    standings.set(B, start + 8_000);
    expect(told.get(A)).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(told.get(A)).toEqual([expect.stringContaining('has ended: expired')]);
    expect(told.get(B)).toEqual([]);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(told.get(B)).toHaveLength(1);
  });

  test('a deadline beyond the range of a timer does not end a session early', async () => {
    vi.useFakeTimers();
    const { standings, told, watch } = setUp({ recheckInterval: 60_000 });
    standings.set(A, Date.now() + 2 ** 31 + 5);
    watch(A);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(told.get(A)).toEqual([]);
  });

  test('an outage or an unreadable record ends nothing, and the next recheck looks again', async () => {
    vi.useFakeTimers();
    let away = true;
    const { standings, told, watch, answer } = setUp({
      subscribe: undefined,
      recheckInterval: 1_000,
      findMany: async (ids) => {
        if (away) throw new Error('away');
        return answer(ids);
      },
    });
    watch(A);
    await vi.advanceTimersByTimeAsync(3_000);
    away = false;
    standings.set(A, 'unreadable');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(told.get(A)).toEqual([]);
    standings.set(A, null);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(told.get(A)).toHaveLength(1);
  });

  test('rule 20: a session with an unreadable record ends at its absolute deadline', async () => {
    vi.useFakeTimers();
    const { standings, told, watch } = setUp({ recheckInterval: 1_000 });
    standings.set(A, 'unreadable');
    watch(A, Date.now() + 5_000);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(told.get(A)).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(told.get(A)).toEqual([expect.stringContaining('has ended: expired')]);
  });

  test('retries notifications that cannot be opened, warns, and stops with the last watcher', async () => {
    vi.useFakeTimers();
    const warnings: string[] = [];
    let tries = 0;
    const { watch, lookUps } = setUp({
      logger: { warn: (message) => void warnings.push(message), error: () => {} },
      subscribe: async () => {
        tries += 1;
        throw new Error('refused');
      },
    });
    const stop = watch(A);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(tries).toBeGreaterThan(2);
    expect(lookUps.length).toBeGreaterThan(0);
    expect(warnings[0]).toMatch(/could not be opened: Error: refused/);
    stop();
    await vi.advanceTimersByTimeAsync(1_000);
    const before = tries;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(tries).toBe(before);
  });

  test('close waits for the notifications to close, but not for a silent store; a late opening is closed then', async () => {
    let answer = (_stop: () => Promise<void>) => {};
    const warnings: string[] = [];
    const logger = { warn: (line: string) => void warnings.push(line), error: () => undefined };
    const { live, watch, state } = setUp();
    watch(A);
    const { live: stuck, watch: watchStuck } = setUp({
      subscribe: () => new Promise((resolve) => (answer = resolve)),
      storeTimeout: 20,
      logger,
    });
    watchStuck(A);
    await Promise.all([live.close(), stuck.close()]);
    expect(state).toMatchObject({ opened: 1, closed: 1 });
    expect(warnings).toEqual([expect.stringContaining('could not be closed: no answer')]);
    const stop = vi.fn(async () => undefined);
    answer(stop);
    await vi.waitFor(() => expect(stop).toHaveBeenCalledTimes(1));
  });

  test('rule 17: the look-up for a new watcher visits no other watcher, and a recheck visits all', async () => {
    vi.useFakeTimers();
    const { live, lookUps } = setUp();
    const visits = [0, 0, 0];
    for (const [index] of visits.entries()) {
      const seen = () => {
        visits[index] = (visits[index] ?? 0) + 1;
      };
      live.watch(A, { ended: () => undefined, seen });
      await vi.advanceTimersByTimeAsync(0);
    }
    expect([lookUps.length, visits]).toEqual([3, [1, 1, 1]]);
    await vi.advanceTimersByTimeAsync(30_000);
    expect([lookUps.length, visits]).toEqual([4, [2, 2, 2]]);
    await live.close();
  });

  test('looks many sessions up in batches', async () => {
    const { live, lookUps } = setUp();
    for (let i = 0; i < 1_200; i += 1) live.watch(`${i}`, { ended: () => {} });
    await vi.waitFor(() => expect(lookUps.map((ids) => ids.length)).toEqual([500, 500, 200]));
    await live.close();
    expect(live.size).toBe(0);
  });
});
