import { yieldToOthers } from '../shared/steps.js';

/** Calls `work` until it does nothing more. */
export function atOnce(work: () => string[]): string[] {
  const all: string[] = [];
  for (let some = work(); some.length > 0; some = work()) all.push(...some);
  return all;
}

/** {@link atOnce} in steps, between which other work runs. */
export async function* inSteps(work: () => string[]): AsyncGenerator<string[]> {
  for (let some = work(); some.length > 0; some = work()) {
    yield some;
    await yieldToOthers();
  }
}

/** Work that is one step. */
export async function* once(work: () => number): AsyncGenerator<number> {
  yield work();
}
