/** The outcome of a step or a call. */
export type Seen = { readonly [name: string]: unknown };

/** The events of a turn, in order. */
export interface Item {
  /** Who did it; `event` for an event of the library. */
  readonly who: string;
  readonly at: string;
  readonly seen: Seen;
}

interface Waiting {
  readonly at: string;
  readonly proceed: () => void;
}

/** Holds every call before each of its steps, until it is its turn. */
export class Stage {
  readonly #waiting = new Map<string, Waiting>();
  readonly #ended = new Map<string, Seen>();
  readonly #arrivals = new Map<string, () => void>();
  #items: Item[] = [];
  #values = 0;
  #isAbandoned = false;

  /** Waits for the turn of this call. */
  async turn(who: string, at: string): Promise<void> {
    if (this.#isAbandoned) throw new Error('the round is over');
    await new Promise<void>((proceed) => {
      this.#waiting.set(who, { at, proceed });
      this.#arrivals.get(who)?.();
    });
    if (this.#isAbandoned) throw new Error('the round is over');
  }

  /** A value that nothing else in the round has. */
  unique(): string {
    this.#values += 1;
    return `v${this.#values}`;
  }

  log(who: string, at: string, seen: Seen): void {
    this.#items.push({ who, at, seen });
  }

  /** The call has nothing more to do. */
  end(who: string, seen: Seen): void {
    this.log(who, 'end', seen);
    this.#ended.set(who, seen);
    this.#arrivals.get(who)?.();
  }

  /** Those who wait, always in the same order. */
  get waiting(): readonly string[] {
    return [...this.#waiting.keys()].sort();
  }

  hasEnded(who: string): boolean {
    return this.#ended.has(who);
  }

  /** Whether the call has ended with an error. */
  hasFailed(who: string): boolean {
    return this.#ended.get(who)?.['code'] !== undefined;
  }

  /** Whether the call, or one that runs in it, waits for its turn, or the call has ended. */
  rests(who: string): boolean {
    return this.hasEnded(who) || [...this.#waiting.keys()].some((each) => each === who || each.startsWith(`${who}.`));
  }

  isWaiting(who: string): boolean {
    return this.#waiting.has(who);
  }

  /** Resolves when the call waits for a turn or has ended. */
  async stands(who: string): Promise<void> {
    while (!this.isWaiting(who) && !this.hasEnded(who)) {
      await new Promise<void>((resolve) => this.#arrivals.set(who, resolve));
    }
  }

  proceed(who: string): string {
    const waiting = this.#waiting.get(who);
    if (!waiting) throw new Error(`${who} does not wait`);
    this.#waiting.delete(who);
    waiting.proceed();
    return waiting.at;
  }

  /** The events since the last question. */
  takeItems(): Item[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }

  /** Ends the round: all who wait, and all who come later, fail. */
  abandon(): void {
    this.#isAbandoned = true;
    for (const { proceed } of this.#waiting.values()) proceed();
    this.#waiting.clear();
  }
}

/** Resolves when all that can happen without the network has happened. */
export async function quiet(): Promise<void> {
  for (let turns = 0; turns < 3; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}
