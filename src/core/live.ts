import type { SessionError } from './error.js';

/** Told once, when its session ends. */
export type EndListener = (reason: SessionError) => void;

/** Who in this process is to be told when a session ends. Empty, and free, until somebody asks. */
export class LiveSessions {
  readonly #listeners = new Map<string, Set<EndListener>>();

  /** Returns what stops the watching. */
  watch(id: string, listener: EndListener): () => void {
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(id) === listeners) this.#listeners.delete(id);
    };
  }

  end(id: string, reason: SessionError): void {
    const listeners = this.#listeners.get(id);
    if (!listeners) return;
    this.#listeners.delete(id);
    for (const listener of listeners) listener(reason);
  }
}
