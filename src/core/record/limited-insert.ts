import type { LimitedInsert } from '../store.js';

/** Joins the steps of a limited insert into one answer: the outcome, and all evicted ids. */
export async function joinInserts(steps: AsyncIterable<LimitedInsert>): Promise<LimitedInsert> {
  let outcome: LimitedInsert['outcome'] = 'limit-reached';
  const evicted: string[] = [];
  for await (const step of steps) {
    outcome = step.outcome;
    for (const id of step.evicted) evicted.push(id);
  }
  return { outcome, evicted };
}
