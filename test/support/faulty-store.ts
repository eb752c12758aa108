import { memoryStore, type SessionStore } from '../../src/index.js';
import type { Verb } from './counting-store.js';

/**
 * A fault of a store call. `'lost'`: it is done, and its answer is lost. `'refused'`: the
 * connection fails before it. `'mute'`: it is done, and no answer ever comes. `'deaf'`: it never
 * arrives, and no answer comes. `'late'`: it arrives when the test says so.
 */
export type Fault = 'lost' | 'refused' | 'mute' | 'deaf' | 'late';

export interface FaultyStore extends SessionStore {
  /** The next calls of the verb meet these faults, one each. Later calls meet none. */
  fail(verb: Verb, ...faults: readonly (Fault | undefined)[]): void;
  /** Lets the late calls arrive, in their order. */
  arrive(): Promise<void>;
  /** How often each verb has reached the store and changed something there. */
  readonly done: Readonly<Record<Verb, number>>;
  /** How often each verb was called. */
  readonly calls: Readonly<Record<Verb, number>>;
}

export function faultyStore(inner: SessionStore = memoryStore()): FaultyStore {
  const faults: Record<Verb, (Fault | undefined)[]> = { insert: [], find: [], replace: [], delete: [] };
  const done: Record<Verb, number> = { insert: 0, find: 0, replace: 0, delete: 0 };
  const calls: Record<Verb, number> = { insert: 0, find: 0, replace: 0, delete: 0 };
  const late: (() => Promise<unknown>)[] = [];

  async function call<Result>(verb: Verb, run: () => Promise<Result>): Promise<Result> {
    calls[verb] += 1;
    const fault = faults[verb].shift();
    const arrive = async (): Promise<Result> => {
      const result = await run();
      if (result === 'inserted' || result === 'replaced' || result === true) done[verb] += 1;
      return result;
    };
    if (fault === 'refused') throw new Error('connect ECONNREFUSED');
    if (fault === 'late') late.push(arrive);
    if (fault === 'late' || fault === 'deaf') return new Promise(() => undefined);
    const result = await arrive();
    if (fault === 'lost') throw new Error('read ECONNRESET');
    return fault === 'mute' ? new Promise(() => undefined) : result;
  }

  return {
    done,
    calls,
    fail: (verb, ...next) => void faults[verb].push(...next),
    arrive: async () => {
      for (const run of late.splice(0)) await run();
    },
    insert: (record, ttl) => call('insert', () => inner.insert(record, ttl)),
    find: (id) => call('find', () => inner.find(id)),
    replace: (record, expectedVersion, ttl) => call('replace', () => inner.replace(record, expectedVersion, ttl)),
    delete: (id) => call('delete', () => inner.delete(id)),
    count: async () => (await inner.count?.()) ?? 0,
  };
}
