import { afterAll, describe, expect, test, vi } from 'vitest';
import { delaysOf, percentile, spread, table, tellings } from './support/figures.js';
import { startLive } from './support/processes.js';
import { type Endings, idOf, type Moments, type Transport } from './support/types.js';

/** `LIVE_SLOW=1000 npx vitest run test/live/slow.test.ts` is the full run. */
const SLOW = Number(process.env['LIVE_SLOW'] ?? 30);
const LONG = 300_000;

const rows: (string | number)[][] = [];
afterAll(() => {
  const head = [
    'transport',
    'beside so many whose consumers do not read',
    'subscriptions',
    'p50',
    'p99',
    'longest',
    'bodies of the slow that cleaned up',
  ];
  console.info(table('Slow consumers: from destroyFor resolving to the end of the others, in ms', head, rows));
});

describe('invariant 5: slow consumers, and bodies that never yield, delay no other stream', () => {
  test.each(['iterable', 'SSE', 'WebSocket'] as const)('%s', { timeout: LONG }, async (transport: Transport) => {
    const live = await startLive({ kind: 'memory' }, 3_600_000);
    try {
      const slow = await live.create(SLOW, 'ann');
      const others = await live.create(SLOW, 'ann');
      // The bodies of these yield for ever to consumers that have read once. The others' bodies
      // never yield again.
      expect(await live.hold(slow, { transport, body: 'yields all the time', read: false })).toBe(SLOW);
      expect(await live.hold(others, { transport })).toBe(SLOW);
      expect((await live.inspect()).bodies).toEqual({ begun: SLOW, done: 0 });

      const { to, count } = await live.endAll('ann');
      expect(count).toBe(2 * SLOW);
      const moments: Moments = [...slow, ...others].map((token) => [idOf(token), to]);
      const told = new Set(others.map(idOf));
      const arrived: Endings['closed'] = [];
      const closed = await vi.waitUntil(async () => {
        const endings = await live.endings(100);
        arrived.push(...endings.closed.filter(([id]) => told.has(id)));
        return arrived.length === SLOW && arrived;
      }, 10_000);
      const sorted = delaysOf(moments, closed);
      expect(tellings({ closed })).toEqual({ UNAUTHORIZED: SLOW });
      expect(percentile(sorted, 0.99)).toBeLessThan(5_000);
      // A consumer that does not read keeps no body running, and nothing of it stays watched.
      await vi.waitFor(async () => expect((await live.inspect()).bodies.done).toBe(SLOW), { timeout: 10_000 });
      await vi.waitFor(async () => expect((await live.inspect()).subscribed).toBe(0), { timeout: 10_000 });
      rows.push([transport, SLOW, SLOW, ...spread(sorted), `${(await live.inspect()).bodies.done} of ${SLOW}`]);
    } finally {
      await live.stop();
    }
  });
});
