import { setImmediate } from 'node:timers/promises';
import { createSessions } from '../../dist/index.js';
import type { Check, Section } from '../report/section.ts';
import { short, whole } from '../report/table.ts';
import type { Servers } from '../servers/all.ts';
import { type BenchStore, STORES, withStore } from '../stores.ts';

const SESSIONS = 100_000;
const AT_ONCE = 500;

interface Data {
  readonly user: string;
}

/** Ends all sessions of an account, while a loop reads another user's session. */
export async function bulkSection(servers: Servers): Promise<Section> {
  const rows: string[][] = [];
  const checks: Check[] = [];
  for (const name of STORES) {
    const { alone, beside, seconds } = await withStore(name, servers, endAccount);
    rows.push([name, short(seconds), short(alone), short(beside)]);
    checks.push({
      what: `${name}: longest wait while ${whole(SESSIONS)} sessions of one account end, ms`,
      reach: 250,
      seen: beside,
    });
  }
  return {
    title: `The end of ${whole(SESSIONS)} sessions of one account`,
    how: 'destroyFor with the default storeTimeout, beside a loop that reads another session. The longest wait of a read, in the time before and meanwhile.',
    checks,
    tables: [{ columns: ['store', 'seconds', 'longest wait before, ms', 'longest wait meanwhile, ms'], rows }],
  };
}

async function endAccount({ store }: BenchStore): Promise<{ alone: number; beside: number; seconds: number }> {
  const sessions = createSessions<Data>({ store, ownerOf: (data) => data.user });
  const { token } = await sessions.create({ user: 'reader' });
  for (let made = 0; made < SESSIONS; made += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, () => sessions.create({ user: 'many' })));
  }
  const read = async () => {
    const before = performance.now();
    if (!(await sessions.fromToken(token)).session) throw new Error('the session is missing');
    return performance.now() - before;
  };
  let alone = 0;
  for (let times = 0; times < 500; times += 1) alone = Math.max(alone, await read());
  let ending = true;
  const started = performance.now();
  const ended = sessions.destroyFor('many').finally(() => {
    ending = false;
  });
  let beside = 0;
  while (ending) {
    beside = Math.max(beside, await read());
    // A store in memory answers at once, so reads alone would never let the end go on.
    await setImmediate();
  }
  const seconds = (performance.now() - started) / 1_000;
  if ((await ended) !== SESSIONS) throw new Error('not all sessions have ended');
  await sessions.destroyFor('reader');
  await sessions.close();
  return { alone, beside, seconds };
}
