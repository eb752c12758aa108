import { describe, test } from 'vitest';
import { badTokenTests } from './contract/bad-tokens.js';
import { type ContractTest, openBench } from './contract/bench.js';
import { endTests } from './contract/ends.js';
import type { Driver } from './contract/operations.js';
import { outageTests } from './contract/outages.js';
import { sessionTests } from './contract/sessions.js';
import { writerTests } from './contract/writers.js';

/*
 * The duties of every adapter, whatever its host. A driver brings the host in: it serves the
 * operations with real servers and calls them with real clients.
 */

export * from './contract/operations.js';

/** Runs the contract over a host. */
export function adapterContract(driver: Driver): void {
  describe(`adapter contract: ${driver.name}`, () => {
    for (const each of testsFor(driver)) test(each.title, () => runOne(driver, each));
  });
}

/** The titles of the tests that a host fails. */
export async function failuresOf(driver: Driver): Promise<string[]> {
  const failures: string[] = [];
  for (const each of testsFor(driver)) await runOne(driver, each).catch(() => failures.push(each.title));
  return failures;
}

function testsFor(driver: Driver): readonly ContractTest[] {
  return [
    ...sessionTests,
    ...endTests,
    ...outageTests,
    ...badTokenTests,
    ...(driver.writes === false ? [] : writerTests),
  ];
}

async function runOne(driver: Driver, each: ContractTest): Promise<void> {
  const bench = await openBench(driver, each);
  try {
    await each.run(bench);
  } finally {
    await bench.close();
  }
}
