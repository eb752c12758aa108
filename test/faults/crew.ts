import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Order, OwnStore, Report } from './types.js';

const PROCESSES = 4;
const CACHE = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url));
export const STORE_TIMEOUT = 2_000;

/** The outcomes of one process's requests. */
export interface Journal {
  readonly onInvalidData: 'reject' | 'anonymous';
  readonly lines: readonly { readonly word: string; readonly session: number }[];
}

/** Several processes that serve requests. */
export interface Crew {
  /** Kills a process during its work (SIGKILL), and starts another in its place. */
  replace(index: number): Promise<void>;
  /** Runs SQL on the connection of every process. */
  execute(sql: string): Promise<void>;
  /**
   * The fault is over. Resolves when every process has served a request or has failed for long, to
   * the ms that each took.
   */
  recovered(): Promise<number[]>;
  stop(): Promise<Report[]>;
  journals(): Journal[];
  end(): void;
}

export async function startCrew(config: OwnStore, tokens: readonly string[]): Promise<Crew> {
  const folder = makeFolder();
  const script = await bundle(folder);
  const policies: Journal['onInvalidData'][] = [];
  const start = async (index: number): Promise<ChildProcess> => {
    const worker = fork(script);
    const onInvalidData = index % 2 === 0 ? 'reject' : 'anonymous';
    const journal = join(folder, `${policies.push(onInvalidData) - 1}.txt`);
    await ask(worker, { do: 'start', config, tokens, storeTimeout: STORE_TIMEOUT, onInvalidData, journal });
    return worker;
  };
  const workers = await Promise.all(Array.from({ length: PROCESSES }, (_, index) => start(index)));
  const askAll = <Result>(order: Order) => Promise.all(workers.map((worker) => ask<Result>(worker, order)));
  return {
    async replace(index) {
      const worker = workers[index];
      worker?.kill('SIGKILL');
      if (worker?.exitCode === null && worker.signalCode === null) await once(worker, 'exit');
      workers[index] = await start(index);
    },
    execute: async (sql) => void (await askAll({ do: 'execute', sql })),
    recovered: async () => (await askAll<number | null>({ do: 'mark' })).map((ms) => ms ?? Number.POSITIVE_INFINITY),
    stop: () => askAll<Report>({ do: 'stop' }),
    journals: () =>
      policies.map((onInvalidData, number) => ({ onInvalidData, lines: read(join(folder, `${number}.txt`)) })),
    end() {
      for (const worker of workers) worker.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The folder is within the project, so that the script finds its packages. */
function makeFolder(): string {
  mkdirSync(CACHE, { recursive: true });
  return mkdtempSync(join(CACHE, 'faults-'));
}

/**
 * Compile it first: a process that starts during a test must not compile for longer than it works.
 */
async function bundle(folder: string): Promise<string> {
  const outfile = join(folder, 'worker.mjs');
  const entry = fileURLToPath(new URL('./worker.ts', import.meta.url));
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  });
  return outfile;
}

/** The last line of a process that was killed may be incomplete. */
function read(path: string): Journal['lines'] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => {
    const [word = '', session] = line.split(' ');
    return { word, session: Number(session) };
  });
}

async function ask<Result>(worker: ChildProcess, order: Order): Promise<Result> {
  const settled = new AbortController();
  const { signal } = settled;
  const ended = once(worker, 'exit', { signal }).then(([code, killedBy]) => [
    { error: `it ended on its own: ${code ?? killedBy}` },
  ]);
  ended.catch(() => undefined);
  try {
    worker.send(order);
    const [{ result, error }] = await Promise.race([once(worker, 'message', { signal }), ended]);
    if (error) throw new Error(`a worker failed: ${error}`);
    return result;
  } finally {
    settled.abort();
  }
}
