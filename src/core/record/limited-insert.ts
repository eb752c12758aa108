import type { LimitedInsert } from '../store.js';

/** The steps of an insert within a limit as one answer: the outcome, and all that they evicted. */
export async function joinInserts(steps: AsyncIterable<LimitedInsert>): Promise<LimitedInsert> {
  let outcome: LimitedInsert['outcome'] = 'limit-reached';
  const evicted: string[] = [];
  for await (const step of steps) {
    outcome = step.outcome;
    for (const id of step.evicted) evicted.push(id);
  }
  return { outcome, evicted };
}
