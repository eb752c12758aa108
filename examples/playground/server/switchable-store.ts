import type { SessionStore } from 'token-sessions';

export interface SwitchableStore {
  /** The store as the library gets it. */
  readonly store: SessionStore;
  isAway: boolean;
}

/**
 * Puts a switch before a store: while it is away, every verb fails, as that of a database would
 * whose machine is down.
 *
 * @param onAnswer called after each verb that the store has answered
 */
export function switchableStore(real: SessionStore, onAnswer: (verb: string) => void): SwitchableStore {
  const call = async (run: () => unknown, verb: string): Promise<unknown> => {
    if (outside.isAway) throw new Error('the store is away');
    const answer = await run();
    onAnswer(verb);
    return answer;
  };
  const store = new Proxy(real, {
    get(target, verb) {
      // Without them, the library calls the verbs themselves, which the switch is before.
      if (verb === 'steps') return undefined;
      const value = Reflect.get(target, verb);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => call(() => Reflect.apply(value, target, args), String(verb));
    },
  });
  const outside = { store, isAway: false };
  return outside;
}
