import { createSessions } from '../../src/index.js';
import { type Crew, type Journal, startCrew } from './crew.js';
import { connect } from './stores.js';
import { ANONYMOUS, BEGUN, COUNTED, type OwnStore, type Report } from './types.js';

export { STORE_TIMEOUT } from './crew.js';

const SESSIONS = 40;

/** The effects of a fault on four processes. */
export interface Outcome {
  readonly requests: number;
  readonly served: number;
  readonly codes: Readonly<Record<string, number>>;
  /**
   * Requests with a valid token that were served as anonymous, or failed otherwise than as an
   * outage or, for a damaged record, by the policy.
   */
  readonly wrongAnswers: number;
  /** Requests for damaged records: refused, or served as anonymous if that is the policy. */
  readonly refused: number;
  readonly servedAnonymous: number;
  readonly invalidDataEvents: number;
  /** Damaged records that no request was refused for. */
  readonly unnoticed: number;
  /** Acknowledged counts that are not in the store. */
  readonly lostWrites: number;
  /** Counts in the store that no request asked for. */
  readonly surplusWrites: number;
  readonly unhandled: readonly string[];
  /** The longest failure of a request, in ms. */
  readonly slowestFailure: number;
  /** The longest time until a process served again after the fault, in ms. */
  readonly recovery: number;
}

/** The objects that a fault may use. */
export interface Scene {
  /** Called when the fault is over. Resolves when all processes serve again. */
  over(): Promise<void>;
  readonly crew: Pick<Crew, 'replace' | 'execute'>;
  /** The sessions' ids. */
  readonly ids: readonly string[];
  /** Reports that the record of this session has been damaged. */
  damaged(id: string): void;
}

/**
 * Runs `fault` while four processes serve requests. Two of them have the policy `'reject'` for
 * unreadable records, two `'anonymous'`.
 */
export async function underLoad(config: OwnStore, fault: (scene: Scene) => Promise<void>): Promise<Outcome> {
  const opened = await connect(config);
  const sessions = createSessions<{ owner: string; count: number }>({ store: opened.store, storeTimeout: '10s' });
  const created = await Promise.all(
    Array.from({ length: SESSIONS }, () => sessions.create({ owner: 'ann', count: 0 })),
  );
  const crew = await startCrew(
    config,
    created.map(({ token }) => token),
  );
  try {
    await moments(300);
    const ids = created.map(({ id }) => id);
    const damaged = new Set<number>();
    let recovery: number[] = [];
    const over = async () => {
      recovery = await crew.recovered();
    };
    await fault({ over, crew, ids, damaged: (id) => void damaged.add(ids.indexOf(id)) });
    await moments(300);
    const reports = await crew.stop();
    const counts = await Promise.all(
      created.map(async ({ token }, index) =>
        damaged.has(index) ? 0 : ((await sessions.fromToken(token)).session?.data.count ?? 0),
      ),
    );
    return summary(reports, crew.journals(), counts, damaged, Math.max(0, ...recovery));
  } finally {
    crew.end();
    await opened.close().catch(() => undefined);
  }
}

/** The duration of a fault is part of the measurement. */
export function moments(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function summary(
  reports: readonly Report[],
  journals: readonly Journal[],
  counts: readonly number[],
  damaged: ReadonlySet<number>,
  recovery: number,
): Outcome {
  const lines = journals.flatMap(({ lines, onInvalidData }) =>
    lines.map((line) => ({ ...line, onInvalidData, damaged: damaged.has(line.session) })),
  );
  const ends = lines.filter(({ word }) => word !== BEGUN);
  const failed = ends.filter(({ word }) => word !== COUNTED && word !== ANONYMOUS);
  // This happens with the policy 'anonymous' too: a session loaded before the damage is refused
  // when it is saved.
  const refused = ends.filter(({ word, damaged }) => damaged && word === 'INVALID_DATA');
  const servedAnonymous = ends.filter(
    ({ word, damaged, onInvalidData }) => damaged && word === ANONYMOUS && onInvalidData === 'anonymous',
  ).length;
  const served = ends.filter(({ word }) => word === COUNTED).length;
  const outages = ends.filter(({ word }) => word === 'STORE_UNAVAILABLE').length;
  const [acknowledged, begun] = [tally(lines, COUNTED), tally(lines, BEGUN)];
  const intact = counts.map((count, session) => ({ count, session })).filter(({ session }) => !damaged.has(session));
  return {
    requests: ends.length,
    served,
    codes: codesOf(failed),
    refused: refused.length,
    unnoticed: damaged.size - new Set(refused.map(({ session }) => session)).size,
    servedAnonymous,
    invalidDataEvents: sum(reports.map((report) => report.invalidDataEvents)),
    wrongAnswers: ends.length - served - outages - refused.length - servedAnonymous,
    lostWrites: sum(intact.map(({ count, session }) => Math.max(0, (acknowledged.get(session) ?? 0) - count))),
    surplusWrites: sum(intact.map(({ count, session }) => Math.max(0, count - (begun.get(session) ?? 0)))),
    unhandled: reports.flatMap((report) => report.unhandled),
    slowestFailure: Math.max(...reports.map((report) => report.slowestFailure)),
    recovery,
  };
}

function tally(
  lines: readonly { readonly word: string; readonly session: number }[],
  word: string,
): Map<number, number> {
  const counts = new Map<number, number>();
  for (const line of lines) if (line.word === word) counts.set(line.session, (counts.get(line.session) ?? 0) + 1);
  return counts;
}

function codesOf(failed: readonly { readonly word: string }[]): Record<string, number> {
  const codes: Record<string, number> = {};
  for (const { word } of failed) codes[word] = (codes[word] ?? 0) + 1;
  return codes;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
