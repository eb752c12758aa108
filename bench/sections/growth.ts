import { createSessions, type SessionStore } from '../../dist/index.js';
import { type Account, accountOf } from '../contestants/accounts.ts';
import type { Section } from '../report/section.ts';
import { short, whole } from '../report/table.ts';
import { serve } from '../run/measure.ts';
import { median } from '../run/stats.ts';
import type { Servers } from '../servers/all.ts';
import { STORES, type StoreName, withStore } from '../stores.ts';

/** The section on memory goes on to a million. */
const SIZES = [1_000, 50_000];
const AT_ONCE = 500;
const OPERATIONS = 3_000;
const ROUNDS = 5;
/** Sessions far apart are read one after the other, so that no cache has them. */
const STRIDE = 7_919;

/** Each store, with few and with many sessions. */
export async function growthSection(servers: Servers): Promise<Section> {
  const rows: string[][] = [];
  for (const name of STORES) rows.push(...(await withStore(name, servers, ({ store }) => growthOf(name, store))));
  return {
    title: 'Each store, with few and with many sessions',
    how: `In-process, without tRPC, 32 at a time; medians of ${ROUNDS} rounds of ${OPERATIONS}, in µs of time for one operation.`,
    checks: [],
    tables: [{ columns: ['store', 'sessions', 'read, µs', 'update, µs', 'create and end, µs'], rows }],
  };
}

async function growthOf(name: StoreName, store: SessionStore): Promise<string[][]> {
  const sessions = createSessions<Account>({ store });
  const tokens: string[] = [];
  const rows: string[][] = [];
  for (const size of SIZES) {
    while (tokens.length < size) {
      const some = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, index) => sessions.create(accountOf(tokens.length + index))),
      );
      tokens.push(...some.map(({ token }) => token));
    }
    const load = async (request: number) => {
      const { session } = await sessions.fromToken(tokens[(request * STRIDE) % tokens.length]);
      if (!session) throw new Error('a session is missing');
      return session;
    };
    const read = await timed(async (request) => void (await load(request)).data.userId);
    const update = await timed(async (request) => {
      await (await load(request)).update((data) => {
        data.views += 1;
      });
    });
    const create = await timed(async (request) => void (await (await sessions.create(accountOf(request))).destroy()));
    rows.push([name, whole(size), short(read), short(update), short(create)]);
  }
  await store.clear?.();
  await sessions.close();
  return rows;
}

/** µs for one operation. */
async function timed(run: (request: number) => Promise<void>): Promise<number> {
  const rounds: number[] = [];
  for (let round = -1; round < ROUNDS; round += 1) {
    const before = performance.now();
    await serve({ name: 'operation', run }, OPERATIONS, 32);
    if (round >= 0) rounds.push(((performance.now() - before) * 1_000) / OPERATIONS);
  }
  return median(rounds);
}
