import { openSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { createSessions, isSessionError, type Sessions } from '../../src/index.js';
import { connect, type FaultyConnection } from './stores.js';
import { ANONYMOUS, BEGUN, COUNTED, type Order, type Report } from './types.js';

/*
 * One process of several that serve requests as fast as they can: each loads a session and counts
 * in it. The process records the outcome of each request, to be compared with the store
 * afterwards.
 */

const LOOPS = 8;
/** The longest time to wait for a process to serve again, in ms. */
const LONGEST_RECOVERY = 45_000;
const schema = z.object({ owner: z.string(), count: z.number() });
type Data = z.infer<typeof schema>;
const monotonic = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;

const report: Report = { slowestFailure: 0, unhandled: [], invalidDataEvents: 0 };
let running = false;
let loops: Promise<void>[] = [];
let connection: FaultyConnection | undefined;
let journal = -1;
let onServed: (() => void) | undefined;

process.on('unhandledRejection', (error) => {
  report.unhandled.push(String(error));
});

/** Written at once, by the system: the notes survive a kill of this process. */
function note(word: string, session: number): void {
  writeSync(journal, `${word} ${session}\n`);
}

async function serve(sessions: Sessions<Data>, tokens: readonly string[]): Promise<void> {
  while (running) {
    const index = Math.floor(Math.random() * tokens.length);
    await request(sessions, tokens[index] ?? '', index);
    // Do not ask a store that refuses at once in a tight loop.
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function request(sessions: Sessions<Data>, token: string, index: number): Promise<void> {
  const from = monotonic();
  try {
    const { session } = await sessions.fromToken(token);
    if (!session) return note(ANONYMOUS, index);
    note(BEGUN, index);
    await session.update((data) => {
      data.count += 1;
    });
    note(COUNTED, index);
    onServed?.();
  } catch (error) {
    note(isSessionError(error) ? error.code : 'unknown', index);
    report.slowestFailure = Math.max(report.slowestFailure, monotonic() - from);
  }
}

function servedAgain(): Promise<number | null> {
  const from = monotonic();
  return new Promise((resolve) => {
    const giveUp = setTimeout(() => resolve(null), LONGEST_RECOVERY);
    onServed = () => {
      clearTimeout(giveUp);
      onServed = undefined;
      resolve(monotonic() - from);
    };
  });
}

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'start': {
      const { config, tokens, storeTimeout, onInvalidData } = order;
      journal = openSync(order.journal, 'a');
      connection = await connect(config);
      const sessions = createSessions({ store: connection.store, schema, storeTimeout, onInvalidData });
      sessions.on('invalid-data', () => {
        report.invalidDataEvents += 1;
      });
      running = true;
      loops = Array.from({ length: LOOPS }, () => serve(sessions, tokens));
      return true;
    }
    case 'mark':
      return servedAgain();
    case 'execute':
      connection?.execute?.(order.sql);
      return true;
    case 'stop':
      running = false;
      await Promise.all(loops);
      await connection?.close().catch(() => undefined);
      return report;
  }
}

process.on('message', (order: Order) => {
  obey(order).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error instanceof Error ? error.stack : error) }),
  );
});
