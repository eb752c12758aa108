import { EventEmitter } from 'node:events';
import type { CallbackStore } from '../../src/stores/express-store/index.js';

export type CallbackVerb = 'get' | 'set' | 'destroy';

/**
 * A well-behaved store in the style of express-session, which counts its calls and has hooks for
 * tests.
 */
export interface TestCallbackStore extends Omit<CallbackStore, 'on'>, EventEmitter {
  /** The stored sessions, as text. */
  readonly sessions: Map<string, string>;
  /** The calls since this was emptied, in order, as in `'get abc'`. */
  readonly calls: string[];
  /**
   * Runs before each call. If it throws, the store calls back with the error; if it waits, the
   * call waits.
   */
  before: ((verb: CallbackVerb, sid: string) => void | Promise<void>) | undefined;
}

export function callbackStore(): TestCallbackStore {
  const sessions = new Map<string, string>();
  const calls: string[] = [];
  async function come(verb: CallbackVerb, sid: string): Promise<void> {
    calls.push(`${verb} ${sid}`);
    await store.before?.(verb, sid);
  }
  function answer(run: () => Promise<unknown>, callback: (error?: unknown, value?: unknown) => void): void {
    run().then(
      (value) => setImmediate(callback, null, value),
      (error: unknown) => setImmediate(callback, error),
    );
  }
  const store: TestCallbackStore = Object.assign(new EventEmitter(), {
    sessions,
    calls,
    before: undefined,
    get(sid: string, callback: (error?: unknown, session?: unknown) => void) {
      answer(async () => {
        await come('get', sid);
        const text = sessions.get(sid);
        return text === undefined ? undefined : JSON.parse(text);
      }, callback);
    },
    set(sid: string, session: object, callback: (error?: unknown) => void) {
      const text = JSON.stringify(session);
      answer(async () => {
        await come('set', sid);
        sessions.set(sid, text);
      }, callback);
    },
    destroy(sid: string, callback: (error?: unknown) => void) {
      answer(async () => {
        await come('destroy', sid);
        sessions.delete(sid);
      }, callback);
    },
  });
  return store;
}
