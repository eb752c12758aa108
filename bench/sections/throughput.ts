import { ours } from '../contestants/ours.ts';
import type { Section } from '../report/section.ts';
import { whole } from '../report/table.ts';
import { type Contestant, measure } from '../run/measure.ts';
import { median } from '../run/stats.ts';
import type { BenchStores } from '../stores.ts';

const CONCURRENCIES = [1, 4, 16, 64, 256];
const REQUESTS = 1_500;
const ROUNDS = 3;

/** Requests per second of each store, with more and more in parallel. */
export async function throughputSection({ all }: BenchStores): Promise<Section> {
  const contestants: Contestant[] = [];
  for (const { name, store } of all) contestants.push({ ...(await ours(name, store)).read, name });
  const perSecond = new Map(contestants.map(({ name }) => [name, [] as string[]]));
  for (const concurrency of CONCURRENCIES) {
    const timings = await measure(contestants, { rounds: ROUNDS, requests: REQUESTS, concurrency });
    for (const [name, { wall }] of timings) perSecond.get(name)?.push(whole(1_000_000 / median(wall)));
  }
  return {
    title: 'Requests per second, as more of them are under way',
    how: `tRPC, in-process, one process; reads of a session. Medians of ${ROUNDS} interleaved rounds.`,
    checks: [],
    tables: [
      {
        columns: ['store', ...CONCURRENCIES.map((concurrency) => `${concurrency} at a time`)],
        rows: [...perSecond].map(([name, values]) => [name, ...values]),
      },
    ],
  };
}
