import type { SessionStore } from '../../core/store.js';

/**
 * What the kit needs of a test runner: the two functions that Vitest, Jest, Mocha and `node:test`
 * all have. A failed test throws. Where the runner's default limit on a test's time is too short
 * for the store, pass an `it` that gives a longer one.
 */
export interface TestRunner {
  /** Groups tests. */
  describe(name: string, define: () => void): unknown;
  /** Defines a test. */
  it(name: string, run: () => Promise<void>): unknown;
}

/** A store that the kit may work on. */
export interface OpenedStore {
  /** Empty, and used by nothing else. */
  readonly store: SessionStore;
  /**
   * The same sessions as another process would reach them: over a connection of its own.
   *
   * @default `store` itself
   */
  readonly other?: SessionStore | undefined;
  /**
   * Makes the stored record with this id one that the store cannot read, as a damaged disk or
   * another program would. The owner of the session stays known. Needed with `damages`.
   */
  damage?(id: string): Promise<unknown>;
  /** Called when the test has ended, also when it failed. */
  close?(): unknown;
}

/** The verbs that a store may have besides the four. */
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

/**
 * What a store promises. It is compared with what the store has: neither more nor less may be
 * declared.
 */
export interface StoreCapabilities extends Readonly<Partial<Record<OptionalVerb, boolean>>> {
  /**
   * Whether `replace` is one atomic step across processes. Without that only the races within a
   * process are checked.
   */
  readonly atomic: boolean;
  /**
   * How a record is forgotten when its `ttl` has passed: by the clock that `createStore` is given,
   * by a clock of the store's own (tests wait for it, some two seconds), or only by `sweep`.
   */
  readonly expires: 'injected clock' | 'own clock' | 'by sweep';
  /** Whether the store has `steps`, with every verb of them that it has at all. */
  readonly inSteps?: boolean;
  /** Whether `createStore` gives `damage`: what cannot be read is tested then. */
  readonly damages?: boolean;
  /**
   * `false` for an adapter to a foreign format, which has to read the body: it is then only given
   * sessions whose data is an object.
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
   * What the tests are grouped under.
   *
   * @default 'the store contract'
   */
  readonly name?: string;
  /** What the store promises. */
  readonly capabilities: StoreCapabilities;
  /**
   * Opens an empty store, for each test. `now` is the clock for stores that can use it, in ms
   * since the epoch.
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
