import { readFileSync, writeFileSync } from 'node:fs';
import { missingProgram, type Search, search } from './spin.js';
import { makeTraces, modelHash } from './traces.js';
import { VARIANTS, type Variant } from './variants.js';

/*
 * npm run model                   checks the model of the rotation, and that the traces are of it
 * MODEL=full npm run model        … also runs the large searches
 * npm run model -- --traces       generates the traces again
 */

const TRACES = new URL('traces.txt', import.meta.url);
const AT_ONCE = 2;

async function main(): Promise<number> {
  const missing = await missingProgram();
  if (missing !== undefined) {
    const left = `${missing} is not on the PATH (Debian: apt-get install spin gcc)`;
    if (process.env['REQUIRE_SERVICES'] === '1') throw new Error(`REQUIRE_SERVICES=1, but ${left}`);
    console.log(`The model is not checked: ${left}`);
    return 0;
  }
  if (process.argv.includes('--traces')) {
    writeFileSync(TRACES, await makeTraces());
    return 0;
  }
  const variants = VARIANTS.filter(({ full }) => !full || process.env['MODEL'] === 'full');
  const wrong = await inParallel(variants, check);
  return areTracesFresh() ? wrong : wrong + 1;
}

function areTracesFresh(): boolean {
  const fresh = readFileSync(TRACES, 'utf8').startsWith(`model ${modelHash()}\n`);
  console.log(
    fresh
      ? 'ok    the traces are of this model'
      : 'WRONG the traces are of another model: run npm run model -- --traces',
  );
  return fresh;
}

/** Runs a search. Returns whether its result is the expected one. */
async function check({ about, flags, expect }: Variant): Promise<boolean> {
  const found = await search(flags);
  const right = (found.violated === undefined) === (expect === 'holds');
  console.log(`${right ? 'ok   ' : 'WRONG'} ${about}: ${outcome(found)}   [${flags.join(' ')}]`);
  return right;
}

function outcome({ states, seconds, violated }: Search): string {
  const result = violated === undefined ? 'holds' : `fails (${violated})`;
  return `${result}, ${states.toLocaleString('en')} states, ${seconds.toFixed(1)} s`;
}

/** Runs all variants, a few in parallel. Returns how many results were wrong. */
async function inParallel(variants: readonly Variant[], run: (variant: Variant) => Promise<boolean>): Promise<number> {
  const waiting = [...variants];
  let wrong = 0;
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) if (!(await run(next))) wrong += 1;
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return wrong;
}

process.exitCode = (await main()) > 0 ? 1 : 0;
