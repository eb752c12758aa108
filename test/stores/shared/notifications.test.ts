// All in one file: the tests share a channel that fails when they say so.
import { v7 } from 'uuid';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type ChannelEvents, gapsOf, Notifications } from '../../../src/stores/shared/notifications.js';
import { gate } from '../../support/gate.js';

/** A subscription that a channel was asked to open. The test decides how that ends. */
interface Opening {
  readonly events: ChannelEvents;
  succeed(): void;
  fail(): void;
  /** How often it was closed. */
  closed: number;
  /** If set, closing it waits for this. */
  closing?: Promise<void>;
}

function setUp(reopens = true) {
  const openings: Opening[] = [];
  const notifications = new Notifications({
    reopens,
    open: (events) =>
      new Promise((resolve, reject) => {
        const opening: Opening = {
          events,
          succeed: () =>
            resolve(async () => {
              opening.closed += 1;
              await opening.closing;
            }),
          fail: () => reject(new Error('refused')),
          closed: 0,
        };
        openings.push(opening);
      }),
  });
  /** The opening with this number, from 1. */
  const opening = (number: number): Opening => {
    const found = openings[number - 1];
    if (!found) throw new Error(`the channel was opened ${openings.length} times`);
    return found;
  };
  /** A listener that remembers its reports. */
  const listener = () => {
    const heard = {
      ends: [] as (readonly string[])[],
      gaps: 0,
      ended: (ids: readonly string[]) => void heard.ends.push(ids),
      gap: () => {
        heard.gaps += 1;
      },
    };
    return heard;
  };
  /** A listener over the subscription with this number, which opens for it. */
  async function listening(number: number) {
    const heard = listener();
    const subscribed = notifications.subscribe(heard);
    await settled();
    opening(number).succeed();
    return { heard, stop: await subscribed };
  }
  return { notifications, openings, opening, listener, listening };
}

/** Everything that does not wait for the test has happened. */
async function settled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.spyOn(Math, 'random').mockReturnValue(1);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('reports of ended sessions', () => {
  test('reach every listener, with the ids of the message alone', async () => {
    const { opening, listening, notifications, listener } = setUp();
    const { heard } = await listening(1);
    const second = listener();
    await notifications.subscribe(second);
    const [one, other] = [v7(), v7()];
    opening(1).events.message(`${one},nonsense,${other}`);
    opening(1).events.message(other);
    expect([heard.ends, second.ends]).toEqual([
      [[one, other], [other]],
      [[one, other], [other]],
    ]);
  });

  test('are not made for a message without an id', async () => {
    const { opening, listening } = setUp();
    const { heard } = await listening(1);
    for (const text of ['', ',', 'nonsense']) opening(1).events.message(text);
    expect(heard.ends).toEqual([]);
  });

  test('come twice to a listener that has subscribed twice, until it stops one of them', async () => {
    const { openings, opening, listening, notifications } = setUp();
    const { heard, stop } = await listening(1);
    await notifications.subscribe(heard);
    const id = v7();
    opening(1).events.message(id);
    opening(1).events.gap();
    expect([heard.ends, heard.gaps]).toEqual([[[id], [id]], 2]);
    await stop();
    opening(1).events.message(id);
    opening(1).events.gap();
    expect([heard.ends.length, heard.gaps]).toEqual([3, 3]);
    expect([openings.length, opening(1).closed]).toEqual([1, 0]);
  });
});

describe('the subscription', () => {
  test('is closed after the last listener, before its stop resolves, and then opened for the next', async () => {
    const { openings, opening, listener, listening, notifications } = setUp();
    const { stop } = await listening(1);
    const closing = gate();
    opening(1).closing = closing.opened;
    const order: string[] = [];
    const stopping = stop().then(() => order.push('stopped'));
    const next = listener();
    const subscribed = notifications.subscribe(next);
    await settled();
    // On a shared client, the late end of the first subscription would end the second one as well.
    expect([opening(1).closed, openings.length, order]).toEqual([1, 1, []]);
    closing.open();
    await stopping;
    await settled();
    opening(2).succeed();
    await subscribed;
    expect([openings.length, next.gaps]).toEqual([2, 0]);
  });

  test('is opened for the next listener even if its end has failed, which its stop reports', async () => {
    const { opening, listening } = setUp();
    const { stop } = await listening(1);
    opening(1).closing = Promise.reject(new Error('reset'));
    await expect(stop()).rejects.toThrow('reset');
    const { heard } = await listening(2);
    expect(heard.gaps).toBe(0);
  });

  test('fails for its listener if it cannot be opened, and the next listener starts again', async () => {
    const { openings, opening, listener, listening, notifications } = setUp(false);
    const refused = listener();
    const subscribed = notifications.subscribe(refused);
    await settled();
    opening(1).fail();
    await expect(subscribed).rejects.toThrow('refused');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(openings).toHaveLength(1);
    const { heard } = await listening(2);
    const id = v7();
    opening(2).events.message(id);
    expect([heard.ends, heard.gaps, refused.ends, refused.gaps]).toEqual([[[id]], 0, [], 0]);
  });

  test('fails for its listener if it is lost while it opens', async () => {
    const { openings, opening, listener, notifications } = setUp();
    const heard = listener();
    const subscribed = notifications.subscribe(heard);
    await settled();
    opening(1).events.lost();
    opening(1).succeed();
    await expect(subscribed).rejects.toThrow('lost immediately');
    await vi.advanceTimersByTimeAsync(10_000);
    expect([openings.length, heard.gaps]).toEqual([1, 0]);
  });

  test('that has ended reports no gap, and its loss does not matter', async () => {
    const { openings, opening, listening } = setUp();
    const first = await listening(1);
    await first.stop();
    const { heard } = await listening(2);
    opening(1).events.gap();
    opening(1).events.lost();
    await vi.advanceTimersByTimeAsync(10_000);
    const id = v7();
    opening(2).events.message(id);
    expect([openings.length, opening(2).closed, heard.gaps, heard.ends]).toEqual([2, 0, 0, [[id]]]);
  });
});

describe('a lost subscription', () => {
  test('is closed and opened again, with a gap for the loss and one for the return', async () => {
    const { openings, opening, listening } = setUp();
    const { heard } = await listening(1);
    opening(1).events.lost();
    expect([heard.gaps, opening(1).closed]).toEqual([1, 1]);
    // Neither a second report of the loss nor a late gap counts.
    opening(1).events.lost();
    opening(1).events.gap();
    await vi.advanceTimersByTimeAsync(50);
    expect([openings.length, heard.gaps]).toEqual([2, 1]);
    opening(2).succeed();
    await settled();
    expect(heard.gaps).toBe(2);
    const id = v7();
    opening(2).events.message(id);
    expect(heard.ends).toEqual([[id]]);
  });

  test('is opened again after a longer and longer pause, of five seconds at most, until that succeeds', async () => {
    const { openings, opening, listening } = setUp();
    const { heard } = await listening(1);
    opening(1).events.lost();
    // Chance gives the longest pauses here.
    const pauses = [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000];
    for (const [index, pause] of pauses.entries()) {
      await vi.advanceTimersByTimeAsync(pause - 1);
      expect(openings.length).toBe(index + 1);
      await vi.advanceTimersByTimeAsync(1);
      expect(openings.length).toBe(index + 2);
      if (index < pauses.length - 1) opening(index + 2).fail();
    }
    expect(heard.gaps).toBe(1);
    opening(pauses.length + 1).succeed();
    await settled();
    expect(heard.gaps).toBe(2);
    // The next loss begins with the shortest pause again.
    opening(pauses.length + 1).events.lost();
    await vi.advanceTimersByTimeAsync(50);
    expect(openings.length).toBe(pauses.length + 2);
  });

  test('is opened at once for a new listener', async () => {
    const { openings, opening, listening } = setUp();
    const { heard } = await listening(1);
    opening(1).events.lost();
    const next = await listening(2);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([openings.length, heard.gaps, next.heard.gaps]).toEqual([2, 2, 1]);
  });

  test('is not opened again without a listener, and the next listener has no gap', async () => {
    const { openings, opening, listening } = setUp();
    const { stop } = await listening(1);
    opening(1).events.lost();
    await stop();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(openings).toHaveLength(1);
    const { heard } = await listening(2);
    expect(heard.gaps).toBe(0);
  });

  test('whose last listener stops while it opens again is closed as soon as it is open', async () => {
    const { openings, opening, listener, listening, notifications } = setUp();
    const { heard, stop } = await listening(1);
    opening(1).events.lost();
    await vi.advanceTimersByTimeAsync(50);
    await stop();
    const next = listener();
    const subscribed = notifications.subscribe(next);
    await settled();
    // The next one waits until the outcome of this one is known.
    expect([openings.length, opening(2).closed]).toEqual([2, 0]);
    opening(2).succeed();
    await settled();
    expect([openings.length, opening(2).closed]).toEqual([3, 1]);
    opening(3).succeed();
    await subscribed;
    expect([heard.gaps, next.gaps]).toEqual([1, 0]);
  });

  test('whose last listener stops before it begins to open again stays closed', async () => {
    const { openings, opening, listening } = setUp();
    const { stop } = await listening(1);
    opening(1).events.lost();
    vi.advanceTimersByTime(50);
    await stop();
    await settled();
    expect(openings).toHaveLength(1);
  });

  test('of a channel that does not reopen stays lost until a new listener', async () => {
    const { openings, opening, listening } = setUp(false);
    const { heard } = await listening(1);
    opening(1).events.lost();
    await vi.advanceTimersByTimeAsync(10_000);
    expect([openings.length, heard.gaps]).toEqual([1, 1]);
    const next = await listening(2);
    const id = v7();
    opening(2).events.message(id);
    expect([heard.ends, next.heard.ends]).toEqual([[[id]], [[id]]]);
  });

  test('does not keep the process running during the pause', async () => {
    vi.useRealTimers();
    const { opening, listener, notifications } = setUp();
    const subscribed = notifications.subscribe(listener());
    await vi.waitFor(() => opening(1).succeed());
    const stop = await subscribed;
    const timers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
    const before = timers();
    opening(1).events.lost();
    expect(timers()).toBe(before);
    await stop();
  });
});

test('a connection that is lost reports one gap however often it fails, and one when it is back', () => {
  let gaps = 0;
  const events: ChannelEvents = {
    message: () => undefined,
    gap: () => {
      gaps += 1;
    },
    lost: () => undefined,
  };
  const { interrupted, restored } = gapsOf(events);
  const counts = [interrupted, interrupted, restored, interrupted, restored].map((each) => {
    each();
    return gaps;
  });
  expect(counts).toEqual([1, 1, 2, 3, 4]);
});
