import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../packed.js';
import type { Mutant } from './mutate.js';

/** A mutant that no test can kill, as it changes nothing that anybody can see. */
export interface Equivalent {
  readonly path: string;
  /** The line of the source without its indentation: line numbers move. */
  readonly line: string;
  readonly before: string;
  readonly after: string;
  readonly reason: string;
}

export function equivalents(): Equivalent[] {
  return JSON.parse(readFileSync(join(ROOT, 'scripts/mutants/equivalent.json'), 'utf8'));
}

/** Whether an entry is about this mutant of `text`. */
export function isAbout(entry: Equivalent, mutant: Mutant, text: string): boolean {
  return (
    entry.path === mutant.path &&
    entry.before === mutant.before &&
    entry.after === mutant.after &&
    entry.line === text.split('\n')[mutant.line - 1]?.trim()
  );
}
