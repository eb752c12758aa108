/** The longest that the write of an operation waits for the other operations of its batch, in ms. */
const LONGEST_HOLD = 1_000;

/**
 * The operations of one array batch: what they change is written when the last of them is done, at once, so that it becomes one
 * write. Counts all of them from the start: some begin later than others have ended, where the application's own `context()` takes its time.
 */
export class Batch {
  readonly #opened: Promise<void>;
  #open: () => void = () => undefined;
  #running: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(operations: number) {
    this.#running = operations;
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  /** An operation is done and has nothing to write. */
  leave(): void {
    this.#running -= 1;
    if (this.#running > 0) return;
    clearTimeout(this.#timer);
    this.#open();
  }

  /** An operation is done and is to write: resolves when all are, or when it has waited long enough. */
  meet(): Promise<void> {
    this.#timer ??= setTimeout(this.#open, LONGEST_HOLD);
    this.leave();
    return this.#opened;
  }
}
