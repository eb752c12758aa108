import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { installPacked, outputOf, pack, ROOT, withTempDir } from './packed.js';
import { BUNDLER_PACKAGES, toolRuns } from './runtimes/bundles.js';
import { makeJestProject, runJest } from './runtimes/jest.js';
import { PROCESSES, RESOLUTIONS, TYPESCRIPTS, WORKERD } from './runtimes/list.js';
import { installTools, makeProject, specifierOf } from './runtimes/project.js';
import { type Outcome, runProcess, runWorkerd } from './runtimes/suites.js';
import { withTables } from './runtimes/table.js';
import { addConsumers, compile, TYPESCRIPT_PACKAGES } from './runtimes/types.js';

/*
 * Tests the package as its users get it, on every runtime and with every tool that
 * docs/runtimes.md lists. All of them are installed from the package registry. With `--write`, the
 * results go into that page. Other arguments are parts of names: only the rows with such a name
 * run.
 */

const [wanted, isWriting] = [
  process.argv.slice(2).filter((arg) => !arg.startsWith('--')),
  process.argv.includes('--write'),
];

/** Runs one row, prints what came of it, and keeps the answer. */
async function row<Answer>(
  title: string,
  into: Map<string, Answer>,
  key: string,
  run: () => Promise<Answer>,
): Promise<void> {
  if (wanted.length > 0 && !wanted.some((part) => title.includes(part))) return;
  const start = performance.now();
  try {
    const answer = await run();
    into.set(key, answer);
    console.log(`${title}: ok (${Math.round((performance.now() - start) / 100) / 10} s)`);
  } catch (error) {
    console.error(`${title} FAILED\n${outputOf(error)}`);
    process.exitCode = 1;
  }
}

/** Fails for the checks that failed, and says which they are. */
function reportFailures(name: string, outcome: Outcome): void {
  const failed = outcome.results.filter(({ failure }) => failure !== undefined);
  for (const { suite, title, failure } of failed) console.error(`${name}, ${suite}: ${title} FAILED\n${failure}`);
  if (failed.length > 0) process.exitCode = 1;
}

const report = {
  runtimes: new Map<string, Outcome>(),
  tools: new Map<string, string>(),
  types: new Map<string, string>(),
};

await withTempDir(async (dir) => {
  const at = (name: string): string => join(dir, name);
  const [project, all, tools, jest] = [at('project'), at('all'), at('tools'), at('jest')];
  const packed = await pack(dir);
  await makeProject(project, packed);
  await installPacked(all, packed);
  await addConsumers(all);
  await installTools(tools, [
    ...PROCESSES.map(specifierOf),
    WORKERD.package,
    ...BUNDLER_PACKAGES,
    ...TYPESCRIPT_PACKAGES,
  ]);

  // It takes as long as all others together, and mostly waits for D1.
  const workerd = row(WORKERD.name, report.runtimes, WORKERD.name, () => runWorkerd(project, tools));
  for (const runtime of PROCESSES) {
    await row(runtime.name, report.runtimes, runtime.name, () => runProcess(project, tools, runtime));
  }
  for (const [tool, run] of toolRuns({ project, all, tools, out: at('bundles') }))
    await row(tool, report.tools, tool, run);
  const jestProject = lazy(() => makeJestProject(jest, packed));
  for (const name of ['Jest, ES modules', 'Jest, CommonJS'] as const) {
    await row(name, report.tools, name, async () => {
      await jestProject();
      return runJest(jest, name);
    });
  }

  for (const version of TYPESCRIPTS) {
    for (const resolution of RESOLUTIONS) {
      const key = `${version} ${resolution}`;
      await row(`TypeScript ${key}`, report.types, key, () => compile(all, tools, version, resolution));
    }
  }
  await workerd;
  for (const [name, outcome] of report.runtimes) reportFailures(name, outcome);
});

function lazy<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const page = join(ROOT, 'docs/runtimes.md');
if (isWriting) await writeFile(page, withTables(await readFile(page, 'utf8'), report));
