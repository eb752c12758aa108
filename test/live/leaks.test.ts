import { afterAll, describe, expect, test, vi } from 'vitest';
import { command, describeWithRedis, startRedis } from '../support/services/redis.js';
import { table } from './support/figures.js';
import { type Live, startLive } from './support/processes.js';
import { type Inspection, idOf, type LiveStore, type Transport } from './support/types.js';

/** `LIVE_CYCLES=10000 npx vitest run test/live/leaks.test.ts` is the full run. */
const CYCLES = Number(process.env['LIVE_CYCLES'] ?? 500);
const LONG = 600_000;
/** Longer than a session lives, so that every watched session has a timer at its deadline. */
const RECHECK = 20 * 86_400_000;

const rows: (string | number)[][] = [];
afterAll(() => {
  const head = [
    'store',
    'transport',
    'cycles',
    'timers',
    'handles',
    'store subscriptions',
    'heap, kB',
    'heap grown, bytes a cycle',
  ];
  console.info(table('Before → after subscriptions came and went', head, rows));
});

/** One subscription stays while the others come and go, so that nothing is cleared as a whole. */
async function comeAndGo(store: string, config: LiveStore, transport: Transport): Promise<void> {
  const live = await startLive(config, RECHECK, { countTimers: true });
  try {
    const [staying = '', coming = ''] = await live.create(2, 'ann');
    // Memory that is compiled, cached and pooled at first is not a leak.
    await live.cycles(coming, Math.min(CYCLES, 1_000), transport);
    expect(await live.hold([staying])).toBe(1);
    // The last of the others may have closed the store's notifications, which then open again.
    await vi.waitFor(async () => expect((await live.inspect()).subscribed).toBe(1), { timeout: 5_000 });
    const before = await quiet(live);
    await live.cycles(coming, CYCLES, transport);
    const after = await quiet(live, before);
    const growth = (after.heap - before.heap) / CYCLES;
    const change = (name: 'timers' | 'handles' | 'subscribed') => `${before[name]} → ${after[name]}`;
    const heaps = `${Math.round(before.heap / 1024)} → ${Math.round(after.heap / 1024)}`;
    rows.push([
      store,
      transport,
      CYCLES,
      change('timers'),
      change('handles'),
      change('subscribed'),
      heaps,
      growth.toFixed(0),
    ]);
    expect(after.subscribed).toBe(before.subscribed);
    // Clients of a store have their own timers, which come and go.
    expect(after.timers).toBeLessThanOrEqual(before.timers);
    expect(after.handles).toBeLessThanOrEqual(before.handles);
    // A watched session takes some kilobytes. Smaller growth belongs to the runtime.
    expect(growth).toBeLessThan(CYCLES >= 10_000 ? 100 : 2_000);

    // The store's notifications close after the last watched session. They would stay open if any
    // other were left.
    await live.endEach([idOf(staying)]);
    expect((await live.endings(5_000)).open).toEqual([]);
    await vi.waitFor(async () => expect((await live.inspect()).subscribed).toBe(0), { timeout: 5_000 });
  } finally {
    await live.stop();
  }
}

function pick({ timers, handles, subscribed }: Inspection) {
  return { timers, handles, subscribed };
}

/** Waits until closed objects are released. The system reports sockets a little later. */
async function quiet(live: Live, as?: Inspection): Promise<Inspection> {
  if (as)
    await vi
      .waitFor(async () => expect(pick(await live.inspect())).toEqual(pick(as)), { timeout: 10_000 })
      .catch(() => undefined);
  return live.inspect();
}

describe('no subscription leaves anything behind', () => {
  test.each(['iterable', 'SSE', 'WebSocket'] as const)('memory, %s', { timeout: LONG }, (transport) =>
    comeAndGo('memory', { kind: 'memory' }, transport),
  );

  describeWithRedis('on a server', () => {
    test('Redis', { timeout: LONG }, async () => {
      const server = await startRedis();
      try {
        await comeAndGo('Redis', { kind: 'redis', url: server.url }, 'iterable');
        expect(await command(server, ['PUBSUB', 'CHANNELS'])).toEqual([]);
      } finally {
        await server.stop();
      }
    });
  });
});
