import { describe, expect, test } from 'vitest';
import { FULL } from '../support/size.js';
import { type Actor, byChance, type Choose, everyOrder, takeTurns } from '../support/turns.js';
import { setUp, TOKEN } from './legacy-support.js';

/** A world whose processes are asked one after the other. */
function world() {
  const all = setUp();
  all.login();
  const seen: { who: number; served: boolean; offered: string | null }[] = [];
  let count = 0;

  /** A process that serves one request with the old token; `after` is what its handler does. */
  function visitor(
    after: (handler: Awaited<ReturnType<typeof all.request>>) => Promise<void> = async () => undefined,
  ): Actor {
    const who = count;
    count += 1;
    return async (turn) => {
      const answer = await all.request(TOKEN, all.open({}, turn));
      await after(answer);
      seen.push({ who, served: answer.session !== null, offered: answer.offered });
    };
  }

  /** Logs out: on the first request, or on the next one with the new token if there was one. */
  const logsOut = (): Actor => {
    const first = visitor();
    const who = count - 1;
    return async (turn) => {
      await first(turn);
      const token = seen.find((each) => each.who === who)?.offered ?? TOKEN;
      await (await all.request(token, all.open({}, turn))).session?.destroy();
    };
  };
  const logsOutAtOnce = () => visitor(async ({ session }) => session?.destroy());
  const opens = async (token: string) => (await all.request(token)).session !== null;
  return { ...all, seen, visitor, logsOut, logsOutAtOnce, opens };
}

/** How many random orders are tried, if not all. */
const SOME = FULL ? 600 : 40;

/** Runs in every order, or in some random orders. */
async function inOrders(orders: 'all' | 'some', run: (choose: Choose) => Promise<void>): Promise<number> {
  if (orders === 'all' && FULL) return everyOrder(run, 20_000);
  for (let seed = 1; seed <= SOME; seed += 1) await run(byChance(seed));
  return SOME;
}

describe('concurrent requests with one old token, in any order of their store calls', () => {
  test.each([
    ['two', 2, 'all'],
    ['three', 3, 'some'],
  ] as const)(
    '%s: all are served, all get the same new token, and it works',
    { timeout: 60_000 },
    async (_name, number, orders) => {
      const runs = await inOrders(orders, async (choose) => {
        const { seen, visitor, opens, old, sessions, events } = world();
        const order = await takeTurns(
          Array.from({ length: number }, () => visitor()),
          choose,
        );
        expect({ order, served: seen.filter(({ served }) => served).length }).toMatchObject({ served: number });
        const [offered, ...others] = new Set(seen.map((each) => each.offered));
        expect({ order, offered, others }).toEqual({ order, offered: expect.stringMatching(/^ts_/), others: [] });
        expect([...old.sessions.keys()]).toEqual([]);
        expect(await sessions.count()).toBe(1);
        expect(events.filter((event) => event.startsWith('migrated'))).toHaveLength(1);
        expect(await opens(TOKEN)).toBe(true);
        expect(await opens(offered ?? '')).toBe(true);
      });
      expect(runs).toBeGreaterThanOrEqual(SOME);
    },
  );

  test.each([
    ['with the old token, beside a visit', 'logsOutAtOnce', 1, 'all'],
    ['with the old token, beside two visits', 'logsOutAtOnce', 2, 'some'],
    ['with the new token, beside two visits', 'logsOut', 2, 'some'],
  ] as const)('invariant 2: a logout is final: %s', { timeout: 60_000 }, async (_name, logout, visits, orders) => {
    const runs = await inOrders(orders, async (choose) => {
      const { [logout]: logsOut, seen, visitor, opens, old, sessions } = world();
      const actors = [logsOut(), ...Array.from({ length: visits }, () => visitor())];
      const order = await takeTurns(actors, choose);
      expect({ order, served: seen.find(({ who }) => who === 0)?.served }).toEqual({ order, served: true });
      for (const token of [TOKEN, ...seen.flatMap((each) => each.offered ?? [])]) {
        expect({ order, token, opens: await opens(token) }).toEqual({ order, token, opens: false });
      }
      expect({ order, old: old.sessions.size, now: await sessions.count() }).toEqual({ order, old: 0, now: 0 });
    });
    expect(runs).toBeGreaterThanOrEqual(SOME);
  });
});
