import { createClient } from 'redis';
import { createSessions } from '../../dist/index.js';
import { redisStore } from '../../dist/stores/redis/index.js';
import { type Account, accountOf, SESSIONS } from '../contestants/accounts.ts';
import type { Section } from '../report/section.ts';
import { whole } from '../report/table.ts';
import { serve } from '../run/measure.ts';
import type { Servers } from '../servers/all.ts';
import { commandsOn, type NodeRedis, total } from '../servers/redis.ts';

/**
 * A little more than the default `touchInterval`, so that each session is touched exactly once.
 */
const SECONDS = 610;

/** Counts Redis commands. Each session is read every second, by a clock that the bench moves. */
export async function frugalitySection({ redisUrl }: Servers): Promise<Section> {
  const redis = createClient({ url: redisUrl });
  await redis.connect();
  try {
    return await countReads(redis);
  } finally {
    await redis.close();
  }
}

async function countReads(redis: NodeRedis): Promise<Section> {
  let now = Date.now();
  const sessions = createSessions<Account>({ store: redisStore(redis, { prefix: 'every-second:' }), now: () => now });
  const tokens = await Promise.all(
    Array.from({ length: SESSIONS }, async (_, index) => (await sessions.create(accountOf(index))).token),
  );
  const read = async (request: number): Promise<void> => {
    const { session } = await sessions.fromToken(tokens[request] ?? '');
    if (session?.data.userId !== `user-${request}`) throw new Error(`session ${request} was not found`);
  };
  const before = await commandsOn(redis);
  for (let second = 0; second < SECONDS; second += 1) {
    now += 1_000;
    await serve({ name: 'every second', run: read }, SESSIONS, 64);
  }
  const after = await commandsOn(redis);
  const reads = SECONDS * SESSIONS;
  const rows = [...after]
    .map(([name, calls]) => [name, calls - (before.get(name) ?? 0)] as const)
    .filter(([, calls]) => calls > 0);
  return {
    title: 'Redis commands of reads',
    how: `${whole(SESSIONS)} sessions with the default options, each read every second for ${SECONDS} seconds of a clock that is moved on: ${whole(reads)} reads. Commands within scripts count as well.`,
    checks: [
      {
        what: 'Redis commands per authenticated read, touches included',
        reach: 1.02,
        seen: (total(after) - total(before)) / reads,
      },
    ],
    tables: [
      {
        columns: ['command', 'calls', 'per read'],
        rows: rows.map(([name, calls]) => [name, whole(calls), (calls / reads).toFixed(4)]),
      },
    ],
  };
}
