import type { SessionStore } from '../../core/store.js';

/**
 * The part of a test runner that the kit needs: two functions that Vitest, Jest, Mocha and
 * `node:test` all have. A failed test throws. If the runner's default time limit is too short for
 * the store, pass an `it` that sets a longer one.
 */
export interface TestRunner {
  describe(name: string, define: () => void): unknown;
  it(name: string, run: () => Promise<void>): unknown;
}

/** An open store for the kit. */
export interface OpenedStore {
  /** Must be empty, and used by nothing else. */
  readonly store: SessionStore;
  /**
   * The same sessions as another process would reach them, over a separate connection. Default:
   * `store` itself.
   */
  readonly other?: SessionStore | undefined;
  /**
   * Damages the stored record with this id so that the store cannot read it, as a broken disk or
   * another program would. The owner of the session must stay known. Required with `damages`.
   */
  damage?(id: string): Promise<unknown>;
  /** Called when the test has ended, even if it failed. */
  close?(): unknown;
}

/** The verbs that a store may have in addition to the four required ones. */
export const OPTIONAL_VERBS = [
  'listByOwner',
  'deleteByOwner',
  'insertWithin',
  'trimOwner',
  'touch',
  'findMany',
  'sweep',
  'count',
  'clear',
  'subscribe',
] as const satisfies (keyof SessionStore)[];

export type OptionalVerb = (typeof OPTIONAL_VERBS)[number];

/** The capabilities that a store declares. The declaration must match the store exactly. */
export interface StoreCapabilities extends Readonly<Partial<Record<OptionalVerb, boolean>>> {
  /**
   * Whether `replace` is one atomic step across processes. Otherwise, only races within one
   * process are checked.
   */
  readonly atomic: boolean;
  /**
   * How the store forgets a record whose `ttl` has passed: by the clock that `createStore` gets,
   * by its own clock (tests then wait about two seconds), or only by `sweep`.
   */
  readonly expires: 'injected clock' | 'own clock' | 'by sweep';
  /** Whether the store has `steps`, with each of their verbs that the store has. */
  readonly inSteps?: boolean;
  /** Whether `createStore` returns `damage`. Then unreadable records are tested. */
  readonly damages?: boolean;
  /**
   * `false` for an adapter to a foreign format, which must read the body. The kit then only uses
   * sessions whose data is an object. Default `true`: any JSON text.
   */
  readonly anyBody?: boolean;
}

export interface StoreContractOptions {
  readonly runner: TestRunner;
  /** The name of the group of tests. Default `'the store contract'`. */
  readonly name?: string;
  readonly capabilities: StoreCapabilities;
  /**
   * Opens an empty store for each test. `now` is the clock for stores that can use it, in ms since
   * the epoch.
   */
  createStore(environment: { readonly now: () => number }): OpenedStore | Promise<OpenedStore>;
  /**
   * How many operations are raced through the library, in every order of their store calls.
   * `'pairs'`: about 7,000 store calls. `'triples'`, the default: about 110,000. `'deep'`: more
   * than a million, for stores in memory.
   */
  readonly depth?: 'pairs' | 'triples' | 'deep';
  /**
   * Where the random tests begin. Default: a different place each time. A failure shows its seed.
   */
  readonly seed?: number;
  /** How many random values and histories are tested. Default 100. */
  readonly runs?: number;
  /**
   * How long the kit waits for the store's own work, such as notifications, and forgetting by its
   * own clock. In ms. Default 5,000.
   */
  readonly patience?: number;
}
