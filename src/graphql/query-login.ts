import type { Call } from '../core/session/call.js';

/**
 * The login of a query. The root fields of a query run side by side, so the field that created a
 * session is one of those that were running at that moment.
 */
export class QueryLogin {
  readonly #running = new Set<string>();
  /** The fields of which one created the session. `undefined` if it was made before them. */
  #creators: readonly string[] | undefined;

  constructor(call: Call) {
    call.onChange(() => {
      this.#creators = [...this.#running];
    });
  }

  /** Runs the resolver of a root field. */
  run<Result>(name: string, run: () => Result): Result {
    this.#running.add(name);
    const settled = () => void this.#running.delete(name);
    try {
      const result = run();
      if (isPromise(result)) result.then(settled, settled);
      else settled();
      return result;
    } catch (error) {
      settled();
      throw error;
    }
  }

  /** Whether it is certain that none of these fields, which have failed, created the session. */
  outlives(failed: ReadonlySet<string>): boolean {
    if (!this.#creators) return true;
    return this.#creators.length > 0 && !this.#creators.some((name) => failed.has(name));
  }
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
