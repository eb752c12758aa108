import type { SessionStore } from '../../core/store.js';

/**
 * The part of a test runner that the kit needs: two functions that Vitest, Jest, Mocha and
 * `node:test` all have. A failed test throws. If the runner's default time limit is too short for
 * the store, pass an `it` that sets a longer one.
 */
export interface TestRunner {
  /** Groups tests. */
  describe(name: string, define: () => void): unknown;
  /** Defines a test. */
  it(name: string, run: () => Promise<void>): unknown;
}

/** An open store for the kit. */
export interface OpenedStore {
  /** Must be empty, and used by nothing else. */
  readonly store: SessionStore;
  /**
   * The same sessions as another process would reach them: over a connection of its own.
   *
   * @default `store` itself
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

/** A verb that a store may have besides the four. */
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
   * `false` for an adapter to a foreign format, which must read the body. The tests then give it
   * only sessions whose data is an object.
   *
   * @default true: any JSON text
   */
  readonly anyBody?: boolean;
}

/** Options of `storeContract`. */
export interface StoreContractOptions {
  /** Where the tests are defined. */
  readonly runner: TestRunner;
  /**
   * The title of the group that holds the tests.
   *
   * @default 'the store contract'
   */
  readonly name?: string;
  /** The capabilities that the store promises. */
  readonly capabilities: StoreCapabilities;
  /**
   * Opens an empty store for each test. `now` is the clock for stores that can use it, in ms since
   * the epoch.
   */
  createStore(environment: { readonly now: () => number }): OpenedStore | Promise<OpenedStore>;
  /**
   * How far operations are raced through the library in every order of their store calls.
   * `'pairs'`: some 7,000 store calls; `'triples'`: some 110,000; `'deep'`: more than a million,
   * for stores in memory.
   *
   * @default 'triples'
   */
  readonly depth?: 'pairs' | 'triples' | 'deep';
  /**
   * Where the random tests begin. A failure says its seed.
   *
   * @default another place each time
   */
  readonly seed?: number;
  /**
   * How many random values and histories are tried.
   *
   * @default 100
   */
  readonly runs?: number;
  /**
   * How long the kit waits for what a store does on its own, in ms: notifications, forgetting by
   * its own clock.
   *
   * @default 5000
   */
  readonly patience?: number;
}
