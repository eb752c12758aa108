import { readOn } from '../contestants/catalogue.ts';
import type { Section } from '../report/section.ts';
import { whole } from '../report/table.ts';
import { withGroup } from '../run/group.ts';
import { measure } from '../run/measure.ts';
import { median } from '../run/stats.ts';
import type { Servers } from '../servers/all.ts';
import { STORES } from '../stores.ts';

const CONCURRENCIES = [1, 4, 16, 64, 256];
const REQUESTS = 1_500;
const ROUNDS = 3;

/** Requests per second of each store, with more and more in parallel. */
export async function throughputSection(servers: Servers): Promise<Section> {
  const rows: string[][] = [];
  for (const store of STORES) {
    const perSecond = await withGroup([readOn(store)], servers, async (contestants) => {
      const all: string[] = [];
      for (const concurrency of CONCURRENCIES) {
        const [timings] = (await measure(contestants, { rounds: ROUNDS, requests: REQUESTS, concurrency })).values();
        all.push(whole(1_000_000 / median(timings?.wall ?? [])));
      }
      return all;
    });
    rows.push([store, ...perSecond]);
  }
  return {
    title: 'Requests per second, as more of them are under way',
    how: `tRPC, in-process, each store in a process of its own; reads of a session. Medians of ${ROUNDS} rounds.`,
    checks: [],
    tables: [
      {
        columns: ['store', ...CONCURRENCIES.map((concurrency) => `${concurrency} at a time`)],
        rows,
      },
    ],
  };
}
