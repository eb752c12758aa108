import { createSessions, isSessionError, type Sessions } from '../../src/index.js';
import { openStore } from '../races/stores.js';
import type { Data } from '../races/types.js';
import type { Order, Report } from './types.js';

/*
 * One process of several that serve requests as fast as they can: each loads a session and counts in it. What each request came to is
 * noted, so that what the store holds afterwards can be held against it.
 */

const LOOPS = 8;
const monotonic = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;

const report: Report = {
  served: 0,
  anonymous: 0,
  codes: {},
  slowestFailure: 0,
  unhandled: [],
  acknowledged: {},
  unknown: {},
  recovered: undefined,
};
let running = false;
let mark: number | undefined;
let loops: Promise<void>[] = [];
let close = async (): Promise<void> => {};

process.on('unhandledRejection', (error) => {
  report.unhandled.push(String(error));
});

async function serve(sessions: Sessions<Data>, tokens: readonly string[]): Promise<void> {
  while (running) {
    const token = tokens[Math.floor(Math.random() * tokens.length)] ?? '';
    await request(sessions, token);
    // A store that refuses at once is not to be asked in a tight loop.
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function request(sessions: Sessions<Data>, token: string): Promise<void> {
  const from = monotonic();
  let writing = false;
  try {
    const { session } = await sessions.fromToken(token);
    if (!session) {
      report.anonymous += 1;
      return;
    }
    writing = true;
    await session.update((data) => {
      data.count += 1;
    });
    report.served += 1;
    add(report.acknowledged, token);
    if (mark !== undefined) report.recovered ??= monotonic() - mark;
  } catch (error) {
    const code = isSessionError(error) ? error.code : String(error);
    add(report.codes, code);
    // Whether a write whose answer did not come was done, nobody can tell.
    if (writing) add(report.unknown, token);
    report.slowestFailure = Math.max(report.slowestFailure, monotonic() - from);
  }
}

function add(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'start': {
      const opened = await openStore(order.config);
      close = opened.close;
      const sessions = createSessions<Data>({ store: opened.store, storeTimeout: order.storeTimeout });
      running = true;
      loops = Array.from({ length: LOOPS }, () => serve(sessions, order.tokens));
      return true;
    }
    case 'mark':
      mark = monotonic();
      report.recovered = undefined;
      return true;
    case 'stop':
      running = false;
      await Promise.all(loops);
      await close().catch(() => undefined);
      return report;
  }
}

process.on('message', (order: Order) => {
  obey(order).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error instanceof Error ? error.stack : error) }),
  );
});
