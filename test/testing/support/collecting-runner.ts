import { type StoreCapabilities, type StoreContractOptions, storeContract } from '../../../src/testing/index.js';

/**
 * The result of a run of the kit: the titles of its tests, with their groups, and the failed ones
 * with their messages.
 */
export interface KitRun {
  readonly titles: readonly string[];
  readonly failures: ReadonlyMap<string, string>;
}

type KitOptions = Omit<StoreContractOptions, 'runner'>;

/** The tests that the kit defines. */
export function definedTests(options: KitOptions): { readonly title: string; readonly run: () => Promise<void> }[] {
  const defined: { readonly title: string; readonly run: () => Promise<void> }[] = [];
  const groups: string[] = [];
  const describe = (name: string, define: () => void) => {
    groups.push(name);
    define();
    groups.pop();
  };
  const it = (name: string, run: () => Promise<void>) =>
    void defined.push({ title: [...groups, name].join(' > '), run });
  storeContract({ ...options, runner: { describe, it } });
  return defined;
}

/**
 * Runs the kit with this runner, one test after the other, and collects failures. `only` chooses
 * titles.
 */
export async function runKit(options: KitOptions, only: (title: string) => boolean = () => true): Promise<KitRun> {
  const tests = definedTests(options).filter(({ title }) => only(title));
  const failures = new Map<string, string>();
  for (const { title, run } of tests) {
    await run().catch((error: unknown) => failures.set(title, error instanceof Error ? error.message : String(error)));
  }
  return { titles: tests.map(({ title }) => title), failures };
}

/** The capabilities of a store with only the four verbs. */
export const FOUR_VERBS: StoreCapabilities = { atomic: true, expires: 'injected clock' };

/** The capabilities of the memory store. */
export const ALL_VERBS: StoreCapabilities = {
  ...FOUR_VERBS,
  listByOwner: true,
  deleteByOwner: true,
  insertWithin: true,
  trimOwner: true,
  touch: true,
  inSteps: true,
  findMany: true,
  sweep: true,
  count: true,
  clear: true,
  subscribe: true,
};
