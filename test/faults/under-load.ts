import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createSessions } from '../../src/index.js';
import { openStore } from '../races/stores.js';
import type { Data } from '../races/types.js';
import type { Order, OwnStore, Report } from './types.js';

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));
const PROCESSES = 4;
const SESSIONS = 40;
export const STORE_TIMEOUT = 2_000;

/** What four processes saw of a fault. */
export interface Outcome {
  readonly requests: number;
  readonly served: number;
  readonly codes: Readonly<Record<string, number>>;
  /** Requests with a good token that were served as anonymous, or failed otherwise than as an outage. */
  readonly wrongAnswers: number;
  /** Counts that were acknowledged and are not in the store. */
  readonly lostWrites: number;
  /** Counts in the store that nobody asked for. */
  readonly surplusWrites: number;
  readonly unhandled: readonly string[];
  /** The longest that a failed request took, in ms. */
  readonly slowestFailure: number;
  /** The longest that a process took to serve again once the fault was over, in ms. */
  readonly recovery: number;
}

/** Runs `fault` while four processes serve requests; it calls `over` when the store is well again. */
export async function underLoad(config: OwnStore, fault: (over: () => Promise<void>) => Promise<void>): Promise<Outcome> {
  const opened = await openStore(config);
  const sessions = createSessions<Data>({ store: opened.store });
  const created = await Promise.all(Array.from({ length: SESSIONS }, () => sessions.create({ owner: 'ann', count: 0 })));
  const tokens = created.map(({ token }) => token);
  const workers = Array.from({ length: PROCESSES }, () => fork(WORKER, { execArgv: ['--import', 'tsx'] }));
  try {
    await Promise.all(workers.map((worker) => ask(worker, { do: 'start', config, tokens, storeTimeout: STORE_TIMEOUT })));
    await moments(500);
    await fault(async () => void (await Promise.all(workers.map((worker) => ask(worker, { do: 'mark' })))));
    await moments(2_000);
    const reports = await Promise.all(workers.map((worker) => ask<Report>(worker, { do: 'stop' })));
    const counts = await Promise.all(tokens.map(async (token) => (await sessions.fromToken(token)).session?.data.count ?? -1));
    return summary(reports, new Map(tokens.map((token, index) => [token, counts[index] ?? -1])));
  } finally {
    for (const worker of workers) worker.kill('SIGKILL');
    await opened.close().catch(() => undefined);
  }
}

/** How long a fault lasts is part of what is measured. */
export function moments(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function ask<Result>(worker: ChildProcess, order: Order): Promise<Result> {
  worker.send(order);
  const [{ result, error }] = await once(worker, 'message');
  if (error) throw new Error(`a worker failed: ${error}`);
  return result;
}

function summary(reports: readonly Report[], stored: ReadonlyMap<string, number>): Outcome {
  const codes: Record<string, number> = {};
  for (const report of reports) for (const [code, count] of Object.entries(report.codes)) codes[code] = (codes[code] ?? 0) + count;
  const served = sum(reports.map((report) => report.served));
  const anonymous = sum(reports.map((report) => report.anonymous));
  const failed = sum(Object.values(codes));
  const of = (token: string, field: 'acknowledged' | 'unknown') => sum(reports.map((report) => report[field][token] ?? 0));
  const lost = [...stored].map(([token, count]) => Math.max(0, of(token, 'acknowledged') - count));
  const surplus = [...stored].map(([token, count]) => Math.max(0, count - of(token, 'acknowledged') - of(token, 'unknown')));
  return {
    requests: served + anonymous + failed,
    served,
    codes,
    wrongAnswers: anonymous + failed - (codes['STORE_UNAVAILABLE'] ?? 0),
    lostWrites: sum(lost),
    surplusWrites: sum(surplus),
    unhandled: reports.flatMap((report) => report.unhandled),
    slowestFailure: Math.max(...reports.map((report) => report.slowestFailure)),
    recovery: Math.max(...reports.map((report) => report.recovered ?? Number.POSITIVE_INFINITY)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

/** An outcome as a line of a Markdown table. */
export function lineOf(name: string, outcome: Outcome): string {
  const { requests, codes, wrongAnswers, lostWrites, unhandled, slowestFailure, recovery } = outcome;
  const cells = [name, requests, codes['STORE_UNAVAILABLE'] ?? 0, wrongAnswers, lostWrites, unhandled.length];
  return `| ${[...cells, slowestFailure.toFixed(0), recovery.toFixed(0)].join(' | ')} |`;
}

export const TABLE_HEAD =
  '| fault | requests | 503 | wrong answers | lost writes | unhandled rejections | slowest failure, ms | served again after, ms |\n| --- | --- | --- | --- | --- | --- | --- | --- |';
