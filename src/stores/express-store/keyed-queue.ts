/** Tasks on one id run one after the other, those on different ids at once. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<void>>();
  /** What everything that comes later has to wait for. */
  #barrier: Promise<void> | undefined;

  /** Runs the task when all earlier ones with this id are over. */
  run<Result>(id: string, task: () => Promise<Result>): Promise<Result> {
    const result = Promise.all([this.#tails.get(id), this.#barrier]).then(task);
    const tail = result.then(ignore, ignore).then(() => {
      if (this.#tails.get(id) === tail) this.#tails.delete(id);
    });
    this.#tails.set(id, tail);
    return result;
  }

  /** Runs the task when all earlier ones are over, and before all later ones. */
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
