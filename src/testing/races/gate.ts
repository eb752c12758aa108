import type { SessionRecord, SessionStore } from '../../core/store.js';
import type { Choose } from './explore.js';

/** A store call, or another step, in the order in which the store handled them. */
export interface Step {
  /** The number of the actor, if every actor has a store of its own. */
  readonly actor: number | undefined;
  readonly verb: 'insert' | 'find' | 'replace' | 'delete' | 'clock';
  readonly record?: SessionRecord;
  /** The time by the library's clock when the step was requested. */
  readonly askedAt: number;
  /** The time when the step was done. */
  readonly doneAt: number;
  readonly result: unknown;
}

interface Waiting {
  readonly actor: number;
  readonly verb: Step['verb'];
  /** Does the step. Resolves when it is done. */
  readonly proceed: () => Promise<void>;
}

/**
 * Stops every call before it reaches the store, until all parallel calls have stopped too. Then it
 * lets one continue. The choices determine an order of the calls, and every order is possible.
 */
export class Gate {
  readonly steps: Step[] = [];
  readonly #now: () => number;
  #closed = false;
  #waiting: Waiting[] = [];
  /** The step that continued last, and those that waited beside it. */
  #last: { readonly step: Waiting; readonly beside: readonly Waiting[] } | undefined;
  #redundant = false;
  /** How many actors have not finished. */
  #unfinished = 0;
  #changed: () => void = () => undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The store, with its four verbs behind the gate. `actor`: the only user of this store. */
  guard(store: SessionStore, actor?: number): SessionStore {
    return {
      insert: (record, ttl) => this.pass({ actor, verb: 'insert', record }, () => store.insert(record, ttl)),
      find: (id) => this.pass({ actor, verb: 'find' }, () => store.find(id)),
      replace: (record, version, ttl) =>
        this.pass({ actor, verb: 'replace', record }, () => store.replace(record, version, ttl)),
      delete: (id) => this.pass({ actor, verb: 'delete' }, () => store.delete(id)),
    };
  }

  /** A step that waits at the gate for its turn. */
  pass<Result>(step: Pick<Step, 'actor' | 'verb' | 'record'>, run: () => Promise<Result>): Promise<Result> {
    const askedAt = this.#now();
    const proceed = async (): Promise<Result> => {
      const result = await run();
      this.steps.push({ ...step, askedAt, doneAt: this.#now(), result });
      return result;
    };
    if (!this.#closed) return proceed();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ actor: step.actor ?? 0, verb: step.verb, proceed: () => proceed().then(resolve, reject) });
      this.#changed();
    });
  }

  /**
   * Runs the actors in parallel, and lets their steps through one at a time, as `choose` decides.
   * `apart`: each actor has a guarded store of its own, so it does nothing while it waits there.
   * Actors that share a store may also wait for each other. They get a turn of the event loop, in
   * which everything that does not wait at the gate finishes.
   *
   * Returns `false` for an order that differs from another one only in which of two finds came
   * first.
   */
  async race(actors: readonly (() => Promise<void>)[], choose: Choose, apart: boolean): Promise<boolean> {
    this.#closed = true;
    this.#unfinished = actors.length;
    const ends = actors.map((run) => run().finally(() => this.#finished()));
    // Observed at the end. Until then, a failure of one must not stop the others, nor count as
    // unhandled.
    const end = Promise.allSettled(ends);
    for (let next = await this.#next(choose, apart); next; next = await this.#next(choose, apart))
      await next.proceed();
    this.#closed = false;
    await end;
    await Promise.all(ends);
    return !this.#redundant;
  }

  /** The step to continue with, once all stand still. `undefined` when all have finished. */
  async #next(choose: Choose, apart: boolean): Promise<Waiting | undefined> {
    if (!apart) await turn();
    while (this.#waiting.length < (apart ? this.#unfinished : Math.min(1, this.#unfinished))) await this.#change();
    this.#waiting.sort((a, b) => a.actor - b.actor);
    const ways = this.#waiting.filter((each) => !this.#commutes(each));
    const step = ways[ways.length > 1 ? choose(ways.length) : 0] ?? this.#waiting[0];
    if (!step) return undefined;
    if (ways.length === 0) this.#redundant = true;
    this.#waiting.splice(this.#waiting.indexOf(step), 1);
    this.#last = { step, beside: [...this.#waiting] };
    return step;
  }

  /**
   * Two consecutive finds read the same in either order. Only the order with the lower actor first
   * is used.
   */
  #commutes(next: Waiting): boolean {
    if (!this.#last || next.verb !== 'find' || this.#last.step.verb !== 'find') return false;
    return next.actor < this.#last.step.actor && this.#last.beside.includes(next);
  }

  #finished(): void {
    this.#unfinished -= 1;
    this.#changed();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve;
    });
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
