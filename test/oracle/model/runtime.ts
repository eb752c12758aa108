import type { Turn } from '../play/play.js';
import type { Seen } from '../play/stage.js';
import { Complaint } from './complaint.js';

/** Where a call of the model stands still. */
export type Pause =
  /** Until it is this call's turn. */
  | { readonly turn: string; readonly at: string }
  /** Until all of these have come to their end. */
  | { readonly join: readonly Routine<unknown>[] }
  /**
   * Until the other calls of its batch have come to theirs. `rank` decides which of those that
   * continue then is first.
   */
  | { readonly hold: Hold; readonly rank: () => number };

export type Steps<Result> = Generator<Pause, Result, void>;

/** Something that runs beside others. */
export class Routine<Result> {
  result: { readonly value: Result } | undefined;
  readonly steps: Steps<Result>;

  constructor(steps: Steps<Result>) {
    this.steps = steps;
  }
}

/** The calls of a batch whose writes wait for each other. */
export class Hold {
  running = 0;
  /** How many of them wait. */
  waiting = 0;

  enter(): void {
    this.running += 1;
  }

  leave(): void {
    this.running -= 1;
  }
}

interface Held {
  readonly routine: Routine<unknown>;
  readonly hold: Hold;
  readonly rank: () => number;
}

/** Runs the calls of the model, in the order of the turns that the library's calls took. */
export class Runtime {
  readonly #waiting = new Map<string, { readonly at: string; readonly routine: Routine<unknown> }>();
  #joining: { readonly routine: Routine<unknown>; readonly of: readonly Routine<unknown>[] }[] = [];
  #held: Held[] = [];
  /** Held before, and may go on now. */
  #free: Held[] = [];
  #turn: Turn = { who: '', at: '', items: [] };
  #taken = new Set<number>();
  #events: Seen[] = [];
  readonly #created: readonly unknown[];

  constructor(turns: readonly Turn[]) {
    const items = turns.flatMap((turn) => turn.items);
    this.#created = items.filter(({ who, at }) => who === 'event' && at === 'created').map(({ seen }) => seen['id']);
  }

  start<Result>(steps: Steps<Result>): Routine<Result> {
    const routine = new Routine(steps);
    this.#resume(routine);
    return routine;
  }

  /** Plays one turn. @throws Complaint */
  play(turn: Turn, send: (name: string) => void): void {
    this.#turn = turn;
    this.#taken = new Set();
    this.#events = [];
    if (turn.at === 'send') {
      send(turn.who.slice('send '.length));
    } else {
      const waiting = this.#waiting.get(turn.who);
      if (waiting?.at !== turn.at)
        throw new Complaint(`${turn.who} takes the step ${turn.at}; the model expects ${waiting?.at ?? 'none'}`);
      this.#waiting.delete(turn.who);
      this.#resume(waiting.routine);
    }
    this.#proceed();
  }

  /** The turn is over: everything that happened in it must be what the model expects. */
  check(): void {
    this.#proceed();
    const { items } = this.#turn;
    const rest = items.filter(({ who }, index) => who !== 'event' && !this.#taken.has(index));
    if (rest[0])
      throw new Complaint(
        `${rest[0].who} has come to ${rest[0].at} ${JSON.stringify(rest[0].seen)}, which the model does not expect`,
      );
    const seen = items
      .filter(({ who }) => who === 'event')
      .map(({ at, seen: { id, reason } }) => eventText(at, String(id), reason));
    const expected = this.#events.map(({ name, id, reason }) => eventText(String(name), String(id), reason));
    if (seen.toSorted().join() === expected.toSorted().join()) return;
    throw new Complaint(`the events are [${seen.join(', ')}]; the model expects [${expected.join(', ')}]`);
  }

  /** Takes what a call saw in this turn. @throws Complaint if the call did not get there */
  take(who: string, at: string): Seen {
    const index = this.#turn.items.findIndex(
      (item, number) => item.who === who && item.at === at && !this.#taken.has(number),
    );
    const item = this.#turn.items[index];
    if (!item) throw new Complaint(`${who} has not come to ${at}, as the model expects`);
    this.#taken.add(index);
    return item.seen;
  }

  /** The library emits this event in this turn. */
  emit(name: string, id: string, reason?: string): void {
    this.#events.push({ name, id, ...(reason !== undefined && { reason }) });
  }

  /**
   * The place of a session among those that take effect in the round, for logins that have no
   * order of their own; or -1.
   */
  placeOf(id: string): number {
    return this.#created.indexOf(id);
  }

  /** Whether the change of a call finds this session ended in this turn. */
  isGone(id: string): boolean {
    return this.#turn.items.some(({ who, at, seen }) => who === 'event' && at === 'gone' && seen['id'] === id);
  }

  /** Those who wait for their turn. */
  get waiting(): readonly string[] {
    return [...this.#waiting.keys()].sort();
  }

  get isOver(): boolean {
    return (
      this.#waiting.size === 0 && this.#joining.length === 0 && this.#held.length === 0 && this.#free.length === 0
    );
  }

  #proceed(): void {
    for (;;) {
      const joined = this.#joining.find(({ of }) => of.every(({ result }) => result));
      if (joined) {
        this.#joining = this.#joining.filter((each) => each !== joined);
        this.#resume(joined.routine);
        continue;
      }
      const [free] = this.#free.sort((a, b) => a.rank() - b.rank());
      if (free) {
        this.#free = this.#free.filter((each) => each !== free);
        free.hold.waiting -= 1;
        this.#resume(free.routine);
        continue;
      }
      if (!this.#release()) return;
    }
  }

  /** Frees all whose hold has opened, also if one of them runs again before the others go on. */
  #release(): boolean {
    this.#free = this.#held.filter(({ hold }) => hold.running === 0);
    this.#held = this.#held.filter(({ hold }) => hold.running > 0);
    return this.#free.length > 0;
  }

  #resume(routine: Routine<unknown>): void {
    const { done, value } = routine.steps.next();
    if (done) routine.result = { value };
    else this.#pause(routine, value);
  }

  #pause(routine: Routine<unknown>, pause: Pause): void {
    if ('turn' in pause) this.#waiting.set(pause.turn, { at: pause.at, routine });
    else if ('join' in pause) this.#joining.push({ routine, of: pause.join });
    else {
      pause.hold.waiting += 1;
      this.#held.push({ routine, ...pause });
    }
  }
}

function eventText(name: string, id: string, reason: unknown): string {
  return [name, id.slice(-6), reason].filter((part) => part !== undefined).join(' ');
}
