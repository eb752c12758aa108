import { joinInserts } from '../../core/record/limited-insert.js';
import type { SessionStore, StoreSteps } from '../../core/store.js';

/** How many records one step of bulk work handles. */
export const STEP = 500;

/** All items that the steps yield, in one list. */
export async function collect<Item>(steps: AsyncIterable<readonly Item[]>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const some of steps) for (const item of some) all.push(item);
  return all;
}

export async function sum(steps: AsyncIterable<number>): Promise<number> {
  let total = 0;
  for await (const count of steps) total += count;
  return total;
}

/** The verbs that `Steps` has, each with all its steps in one call. */
type Whole<Steps> = { [Verb in keyof Steps & keyof SessionStore]: NonNullable<SessionStore[Verb]> };

/** The verbs of a store that only run their steps. */
export function verbsInSteps(steps: Required<StoreSteps>): Whole<Required<StoreSteps>> {
  return {
    insertWithin: (record, ttl, limit) => joinInserts(steps.insertWithin(record, ttl, limit)),
    listByOwner: (ownerId) => collect(steps.listByOwner(ownerId)),
    deleteByOwner: (ownerId, except) => collect(steps.deleteByOwner(ownerId, except)),
    trimOwner: (ownerId, trim) => collect(steps.trimOwner(ownerId, trim)),
    sweep: (now) => sum(steps.sweep(now)),
    count: () => sum(steps.count()),
    clear: async () => void (await sum(steps.clear())),
  };
}

/** Consecutive parts of a list, each of at most `size` items. */
export function* partsOf<Item>(list: readonly Item[], size = STEP): Generator<readonly Item[]> {
  for (let from = 0; from < list.length; from += size) yield list.slice(from, from + size);
}

/** Lets other waiting work run. */
export function yieldToOthers(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
