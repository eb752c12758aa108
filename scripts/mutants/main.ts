import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../packed.js';
import { Bench } from './bench.js';
import { equivalents, isAbout } from './equivalent.js';
import { isProgram, type Mutant, mutantsOf, mutated } from './mutate.js';
import { testsOf } from './tests-of.js';

/*
 * `npm run mutants -- [path…] [--sample N] [--seed S] [--verbose]` changes the source in one place
 * at a time, and runs the tests that are about it. A mutant that fails no test survives: a test is
 * missing, or the mutant changes nothing and belongs into equivalent.json.
 */

/** Tests of one kind, as the unchanged source left them. */
interface Group {
  readonly tests: string[];
  /** Milliseconds after which a mutant counts as killed: it waits or loops. */
  readonly limit: number;
}

const SLOWEST_FACTOR = 3;
const SLOWEST_EXTRA = 20_000;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    verbose: { type: 'boolean', default: false },
  },
});

const bench = new Bench();
const groups = new Map<string, Promise<Group>>();

/**
 * Runs the unchanged source once for each file: the tests must pass, and the quickest come first.
 */
function groupOf(tests: string[], path: string, text: string): Promise<Group> {
  const key = [path, ...tests].join(' ');
  const known = groups.get(key) ?? measure(tests, path, text);
  groups.set(key, known);
  return known;
}

async function measure(tests: string[], path: string, text: string): Promise<Group> {
  let begun = Date.now();
  let verdict = await bench.run({ path, text, tests }, 300_000);
  // On a busy machine, a test that measures time may fail once.
  for (let tries = 1; tries < 3 && !verdict?.passed; tries += 1) {
    begun = Date.now();
    verdict = await bench.run({ path, text, tests }, 300_000);
  }
  if (!verdict) throw new Error(`${path}: its tests take too long without a mutant`);
  const { failed } = verdict;
  if (failed) throw new Error(`without a mutant, ${failed.file} fails: ${failed.test}: ${failed.message}`);
  const took = (test: string): number => verdict.took[test] ?? 0;
  const sorted = [...tests].sort((a, b) => took(a) - took(b));
  return { tests: sorted, limit: (Date.now() - begun) * SLOWEST_FACTOR + SLOWEST_EXTRA };
}

/** The test that killed a mutant, or `undefined`. */
async function killerOf(mutant: Mutant, text: string): Promise<string | undefined> {
  const { near, far } = testsOf(mutant.path);
  for (const tests of [near, far]) {
    if (tests.length === 0) continue;
    const group = await groupOf(tests, mutant.path, text);
    const verdict = await bench.run(
      { path: mutant.path, text: mutated(text, mutant), tests: group.tests },
      group.limit,
    );
    if (!verdict) return 'time';
    if (!verdict.failed || !(await failsAgain(mutant, text, verdict.failed.file, group.limit))) continue;
    moveToFront(group.tests, verdict.failed.file);
    return `${verdict.failed.file} ${verdict.failed.test}`;
  }
  return undefined;
}

/** Whether a mutant fails a test file a second time, so that chance did not kill it. */
async function failsAgain(mutant: Mutant, text: string, file: string, limit: number): Promise<boolean> {
  if (file === '') return true;
  const verdict = await bench.run({ path: mutant.path, text: mutated(text, mutant), tests: [file] }, limit);
  return !verdict?.passed;
}

/** A test file that killed one mutant often kills the next one as well. */
function moveToFront(tests: string[], file: string): void {
  const index = tests.indexOf(file);
  if (index > 0) tests.unshift(...tests.splice(index, 1));
}

function sourcesIn(path: string): string[] {
  if (statSync(join(ROOT, path)).isFile()) return [path];
  return readdirSync(join(ROOT, path), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${path.replace(/\/$/, '')}/${name}`)
    .sort();
}

/** Some of a list, in its order. The same seed chooses the same. */
function sampleOf<T>(list: readonly T[], size: number, seed: number): T[] {
  let state = seed >>> 0;
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const drawn = list.map((value, index) => ({ value, index, draw: random() })).sort((a, b) => a.draw - b.draw);
  return drawn
    .slice(0, size)
    .sort((a, b) => a.index - b.index)
    .map(({ value }) => value);
}

const short = (text: string): string => text.replace(/\s+/g, ' ').slice(0, 100);

async function main(): Promise<void> {
  const paths = positionals.length > 0 ? positionals : ['src/core'];
  const texts = new Map(paths.flatMap(sourcesIn).map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
  const textOf = (mutant: Mutant): string => texts.get(mutant.path) ?? '';
  const listed = equivalents();
  const all = [...texts].flatMap(([path, text]) => mutantsOf(path, text));
  const counted = all.filter((mutant) => !listed.some((entry) => isAbout(entry, mutant, textOf(mutant))));
  const chosen = sampleOf(counted, Number(options.sample ?? counted.length), Number(options.seed));
  const mutants = chosen.filter((mutant) => isProgram(mutated(textOf(mutant), mutant)));
  const seed = options.sample === undefined ? '' : `, seed ${options.seed}`;
  console.log(
    `${mutants.length} of ${counted.length} mutants${seed}; ${all.length - counted.length} are listed as equivalent`,
  );

  const survivors: Mutant[] = [];
  for (const [index, mutant] of mutants.entries()) {
    const killer = await killerOf(mutant, textOf(mutant));
    const line = `${mutant.path}:${mutant.line} ${short(mutant.before)} -> ${short(mutant.after)}`;
    if (killer === undefined) survivors.push(mutant);
    if (killer === undefined) console.log(`survived  ${line}`);
    else if (options.verbose) console.log(`killed    ${line}  by ${short(killer)}`);
    if (process.stderr.isTTY) process.stderr.write(`\r${index + 1}/${mutants.length} `);
  }
  const killed = mutants.length - survivors.length;
  console.log(
    `score ${((100 * killed) / Math.max(1, mutants.length)).toFixed(1)} %: ${killed} of ${mutants.length} killed`,
  );
}

try {
  await main();
} finally {
  bench.close();
}
