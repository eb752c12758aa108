import { join } from 'node:path';
import { createVitest, type TestModule, type TestSpecification, type Vitest } from 'vitest/node';
import config from '../../vitest.config.js';
import { ROOT } from '../packed.js';

/*
 * One long-lived Vitest for many mutants, in a process of its own: a mutant that loops for ever is
 * stopped with it. A plugin gives Vite the mutant's text in place of the file's, so nothing is
 * written to disk.
 */

export interface Task {
  readonly path: string;
  readonly text: string;
  /** Paths of test files, in the order in which they run. */
  readonly tests: readonly string[];
}

export interface Verdict {
  readonly passed: boolean;
  /** Milliseconds that each test file took. */
  readonly took: Readonly<Record<string, number>>;
  /** The test file and the first test that failed. */
  readonly failed?: { readonly file: string; readonly test: string; readonly message: string };
}

let mutant: { readonly file: string; readonly text: string } | undefined;

/** The order of the tests is the task's own. */
class AsGiven {
  async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files;
  }
  async shard(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files;
  }
}

async function start(): Promise<Vitest> {
  // A project of its own: a plugin that is given here does not reach the projects of the file.
  const { resolve } = config({ mode: 'test', command: 'serve' });
  return await createVitest(
    'test',
    {
      root: ROOT,
      config: false,
      watch: false,
      isolate: false,
      bail: 1,
      maxWorkers: 1,
      testTimeout: 10_000,
      hookTimeout: 10_000,
      reporters: [{}],
      include: ['test/**/*.test.ts'],
      sequence: { sequencer: AsGiven },
    },
    {
      ...(resolve && { resolve }),
      plugins: [
        { name: 'mutant', enforce: 'pre', load: (id: string) => (id === mutant?.file ? mutant.text : undefined) },
      ],
    },
  );
}

async function run(vitest: Vitest, { path, text, tests }: Task): Promise<Verdict> {
  const file = join(ROOT, path);
  // The last mutant may be of another file.
  if (mutant) vitest.invalidateFile(mutant.file);
  mutant = { file, text };
  vitest.invalidateFile(file);
  const found = await vitest.globTestSpecifications([...tests]);
  const order = new Map(tests.map((test, index) => [join(ROOT, test), index]));
  const chosen = found.filter(({ moduleId }) => order.has(moduleId));
  chosen.sort((a, b) => (order.get(a.moduleId) ?? 0) - (order.get(b.moduleId) ?? 0));
  const result = await vitest.runTestSpecifications(chosen);
  // Vitest also lists what ran for mutants before.
  const testModules = result.testModules.filter(({ moduleId }) => order.has(moduleId));
  const { unhandledErrors } = result;
  const took = Object.fromEntries(
    testModules.map((module) => [module.relativeModuleId, module.diagnostic().duration]),
  );
  const failed = testModules.map(firstFailure).find((each) => each !== undefined);
  if (failed) return { passed: false, took, failed };
  if (unhandledErrors.length > 0)
    return {
      passed: false,
      took,
      failed: { file: '', test: 'an unhandled error', message: String(unhandledErrors[0]) },
    };
  const finished = testModules.filter((module) => ['passed', 'skipped'].includes(module.state()));
  const missing = tests.filter((test) => !finished.some((module) => module.relativeModuleId === test));
  if (missing.length > 0)
    return { passed: false, took, failed: { file: '', test: missing.join(' '), message: 'did not run' } };
  return { passed: true, took };
}

function firstFailure(module: TestModule): Verdict['failed'] {
  if (module.state() !== 'failed') return undefined;
  const [test] = module.children.allTests('failed');
  const [error] = test?.result().errors ?? module.errors();
  return { file: module.relativeModuleId, test: test?.fullName ?? 'the file itself', message: error?.message ?? '' };
}

const vitest = await start();
process.on('message', async (task: Task) => {
  process.send?.(await run(vitest, task));
});
// The command was stopped.
process.on('disconnect', () => process.exit());
process.send?.('ready');
