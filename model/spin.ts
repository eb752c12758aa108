import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MODEL = fileURLToPath(new URL('rotation.pml', import.meta.url));
/** The memory limit of one search, in megabytes. */
const MEMORY = 4_000;

/** The result of a search. */
export interface Search {
  readonly states: number;
  readonly seconds: number;
  /** The property that does not hold, if there is one. */
  readonly violated: string | undefined;
}

/** The first required program that is missing. */
export async function missingProgram(): Promise<string | undefined> {
  for (const [program, flag] of [
    ['spin', '-V'],
    ['gcc', '--version'],
  ] as const) {
    const isThere = await run(program, [flag]).then(
      () => true,
      () => false,
    );
    if (!isThere) return program;
  }
  return undefined;
}

/** Visits every state of the model. @throws if the search cannot be completed */
export function search(flags: readonly string[]): Promise<Search> {
  return inFolder(async (options) => {
    await run('spin', [...flags, '-a', MODEL], options);
    await run('gcc', ['-O2', '-w', '-DSAFETY', `-DMEMLIM=${MEMORY}`, '-o', 'pan', 'pan.c'], options);
    const started = Date.now();
    const { stdout } = await run('./pan', ['-n', '-m1000000', '-w24'], options);
    return { ...readReport(stdout), seconds: (Date.now() - started) / 1_000 };
  });
}

function readReport(report: string): Omit<Search, 'seconds'> {
  const errors = /errors: (\d+)/.exec(report)?.[1];
  const states = Number(/([\d.e+]+) states, stored/.exec(report)?.[1] ?? 0);
  const violated = /assertion violated (.*) \(at depth/.exec(report)?.[1];
  const cutShort = /max search depth too small|reached -DMEMLIM|Search not completed/.exec(report)?.[0];
  if (errors === undefined || (cutShort !== undefined && violated === undefined)) {
    throw new Error(`the search was not completed: ${cutShort ?? report.slice(-500)}`);
  }
  return { states, violated };
}

/** The events of a random run of the model, one on each line. */
export async function simulate(flags: readonly string[], seed: number, steps: number): Promise<readonly string[]> {
  const names = ['-DTRACE', '-DNAMES', '-DTOKENS=12'];
  const { stdout } = await inFolder((options) =>
    run('spin', [...flags, ...names, '-T', `-n${seed}`, `-u${steps}`, MODEL], options),
  );
  // The other lines are Spin's report of the last state. If the run ends within a step, the line
  // of that step is incomplete.
  return stdout
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^(?:open|rotate|write) [\d ]+ > \d+(?: \d+){5}$/.test(line));
}

/** Runs in a new folder, because Spin writes files to the current one. */
async function inFolder<Result>(
  use: (options: { readonly cwd: string; readonly maxBuffer: number }) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'model-'));
  try {
    return await use({ cwd: folder, maxBuffer: 1e8 });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
