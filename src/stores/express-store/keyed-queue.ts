/** Runs tasks with the same id one after the other. Tasks with different ids run in parallel. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<void>>();
  /** All later tasks must wait for this. */
  #barrier: Promise<void> | undefined;

  /** Runs the task after all earlier tasks with this id. */
  run<Result>(id: string, task: () => Promise<Result>): Promise<Result> {
    const result = Promise.all([this.#tails.get(id), this.#barrier]).then(task);
    const tail = result.then(ignore, ignore).then(() => {
      if (this.#tails.get(id) === tail) this.#tails.delete(id);
    });
    this.#tails.set(id, tail);
    return result;
  }

  /** Runs the task after all earlier tasks and before all later ones. */
  runAlone<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = Promise.all([...this.#tails.values(), this.#barrier]).then(task);
    const barrier = result.then(ignore, ignore).then(() => {
      if (this.#barrier === barrier) this.#barrier = undefined;
    });
    this.#barrier = barrier;
    return result;
  }
}

function ignore(): void {}
