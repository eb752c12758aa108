import type { JsonValue } from '../../core/data/json.js';
import type { SessionStore } from '../../core/store.js';
import { type Clock, poll, stoppedClock } from './clock.js';
import type { OptionalVerb, StoreCapabilities, StoreContractOptions } from './options.js';

/** The tools of one test. */
export interface TestContext {
  readonly store: SessionStore;
  /** The same sessions, as another process reaches them. */
  readonly other: SessionStore;
  /** The library's clock. The store uses it too, if it can. */
  readonly clock: Clock;
  readonly capabilities: StoreCapabilities;
  /** Damages a stored record, so that the store cannot read it. */
  readonly damage?: ((id: string) => Promise<unknown>) | undefined;
  /**
   * Polls until the condition holds, for as long as the kit is patient. Returns whether it held.
   */
  eventually(condition: () => boolean | Promise<boolean>): Promise<boolean>;
}

/** The data in a form that the store can keep. */
export function storable({ capabilities }: TestContext, data: JsonValue): JsonValue {
  return capabilities.anyBody === false ? { value: data } : data;
}

/** How the parts of the kit define their tests. */
export interface Kit {
  readonly options: StoreContractOptions;
  group(name: string, define: () => void): void;
  /** Defines a test on an empty store. `storeNow` gives the store a different clock. */
  test(title: string, run: (context: TestContext) => Promise<void>, storeNow?: (clock: Clock) => () => number): void;
  has(verb: OptionalVerb): boolean;
}

export function kitFor(options: StoreContractOptions): Kit {
  const { runner, capabilities } = options;
  return {
    options,
    group: (name, define) => void runner.describe(name, define),
    test: (title, run, storeNow) => void runner.it(title, () => withContext(options, run, storeNow)),
    has: (verb) => capabilities[verb] === true,
  };
}

async function withContext(
  options: StoreContractOptions,
  run: (context: TestContext) => Promise<void>,
  storeNow: (clock: Clock) => () => number = (clock) => clock.now,
): Promise<void> {
  const clock = stoppedClock();
  const opened = await options.createStore({ now: storeNow(clock) });
  const { store, other = store } = opened;
  try {
    const { capabilities, patience = 5_000 } = options;
    const damage = opened.damage?.bind(opened);
    await run({ store, other, clock, capabilities, damage, eventually: (condition) => poll(condition, patience) });
  } finally {
    await opened.close?.();
  }
}
