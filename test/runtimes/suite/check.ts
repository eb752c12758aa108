import type { SessionStore } from 'token-sessions';

/* The suite runs on every runtime, so it uses no test runner: each check may throw. */

/** The subject of a check. Each is a column of the table in docs/runtimes.md. */
export const SUITES = ['core', 'tRPC', 'Yoga', 'Hono', 'SQLite', 'HTTP'] as const;

export type Suite = (typeof SUITES)[number];

export interface Check {
  readonly suite: Suite;
  readonly title: string;
  run(): Promise<void>;
}

export interface Result {
  readonly suite: Suite;
  readonly title: string;
  /** Absent where the check passed. */
  readonly failure?: string;
}

/** Opens an empty store that no other check uses. */
export type OpenStore = () => SessionStore;

/** Runs the checks one by one: where one fails, its failure alone is reported. */
export async function runChecks(checks: readonly Check[], atMostMs = 30_000): Promise<Result[]> {
  const results: Result[] = [];
  for (const { suite, title, run } of checks) {
    try {
      await within(atMostMs, run());
      results.push({ suite, title });
    } catch (error) {
      results.push({ suite, title, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }
  return results;
}

/** A check that hangs fails, instead of holding up the others. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${ms} ms`)), ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
