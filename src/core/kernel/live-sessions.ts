import { SessionError, withoutStack } from '../error.js';
import { describeError, type Logger } from '../logger.js';
import type { StoreListener } from '../store.js';
import { TimeLimit } from './time-limit.js';

/** How a session ended. `'destroyed'` also stands for what another process did. */
export type EndReason = 'destroyed' | 'replaced' | 'reuse' | 'evicted' | 'expired';

/** Told once, when its session ends. */
export type EndListener = (reason: SessionError) => void;

/** What is known of a session that was looked up: its deadline, `null` when it has ended, `undefined` when that cannot be told. */
export type Standing = number | null | undefined;

/** What {@link LiveSessions} need of the kernel. */
export interface LivePorts {
  /** The standing of sessions, in the order of their ids. May reject. */
  readonly lookUp: (ids: readonly string[]) => Promise<Standing[]>;
  /** Opens the store's notifications; absent where the store has none. */
  readonly subscribe: ((listener: StoreListener) => Promise<() => Promise<void>>) | undefined;
  readonly recheckInterval: number;
  /** The longest that {@link LiveSessions.close} waits for the store, in ms. */
  readonly storeTimeout: number;
  readonly logger: Logger | undefined;
  readonly now: () => number;
}

interface Watched {
  readonly listeners: Set<EndListener>;
  /** Runs out at the session's deadline, where that comes before the next recheck. */
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether it is not watched any more, as its session has ended. */
  over: boolean;
}

/** As many sessions as are looked up in one round trip. */
const BATCH = 500;
const LONGEST_BACKOFF = 10_000;

/**
 * Who in this process is to be told when a session ends. Costs nothing until somebody watches: then the store's notifications are
 * opened, and every recheck interval all watched sessions are looked up, since notifications can be lost.
 *
 * Whoever watches is registered first and looked up then, once the notifications flow: no end falls between.
 */
export class LiveSessions {
  readonly #ports: LivePorts;
  readonly #watched = new Map<string, Watched>();
  /** Ends that this process is bringing about: what the store tells of them has no reason. */
  readonly #expected = new Map<string, EndReason>();
  #unchecked = new Set<string>();
  #checking = false;
  #recheckTimer: ReturnType<typeof setTimeout> | undefined;
  #unsubscribe: (() => Promise<void>) | undefined;
  /** Opening or closing the notifications, one after the other. */
  #switching: Promise<void> | undefined;
  #retry: { readonly timer: ReturnType<typeof setTimeout>; readonly wake: () => void } | undefined;

  constructor(ports: LivePorts) {
    this.#ports = ports;
  }

  /** How many sessions are watched. */
  get size(): number {
    return this.#watched.size;
  }

  /** Tells the listener when the session ends, also when it already has. Returns what stops that. */
  watch(id: string, listener: EndListener): () => void {
    const watched = this.#watched.get(id) ?? { listeners: new Set<EndListener>(), timer: undefined, over: false };
    watched.listeners.add(listener);
    this.#watched.set(id, watched);
    this.#unchecked.add(id);
    this.#start();
    return () => {
      if (watched.over || !watched.listeners.delete(listener) || watched.listeners.size > 0) return;
      this.#forget(id, watched);
    };
  }

  /** Notes why this process is about to end a session; undone by what it returns. */
  expect(id: string, reason: EndReason): () => void {
    this.#expected.set(id, reason);
    return () => void this.#expected.delete(id);
  }

  /** Tells those who watch the session that it has ended. */
  end(id: string, reason: EndReason = this.#expected.get(id) ?? 'destroyed'): void {
    const watched = this.#watched.get(id);
    if (!watched) return;
    this.#forget(id, watched);
    const error = withoutStack(() => new SessionError('SESSION_GONE', `session ${id} has ended: ${reason}`));
    for (const listener of watched.listeners) listener(error);
  }

  /** Stops watching everything. Nobody is told. A store that does not answer is not waited for: what it opens later is closed then. */
  async close(): Promise<void> {
    for (const [id, watched] of this.#watched) this.#forget(id, watched);
    await new TimeLimit(this.#ports.storeTimeout).within(() => this.#settled()).catch(() => this.#report('closed', 'no answer'));
  }

  async #settled(): Promise<void> {
    // What was opening is closed then.
    while (this.#switching) await this.#switching;
  }

  #forget(id: string, watched: Watched): void {
    watched.over = true;
    clear(watched.timer);
    this.#watched.delete(id);
    this.#unchecked.delete(id);
    if (this.#watched.size > 0) return;
    clear(this.#recheckTimer);
    this.#recheckTimer = undefined;
    this.#retry?.wake();
    this.#switch();
  }

  #start(): void {
    if (!this.#recheckTimer) this.#scheduleRecheck();
    this.#switch();
    // While the notifications are being opened the look-up waits: it has to come after.
    if (!this.#switching) this.#checkSoon();
  }

  /** Opens the notifications while there is somebody to be told, and closes them after the last one. */
  #switch(): void {
    if (!this.#ports.subscribe || this.#switching) return;
    if (this.#watched.size > 0 === (this.#unsubscribe !== undefined)) return;
    this.#switching = this.#openOrClose().finally(() => {
      this.#switching = undefined;
      // Things may have changed again meanwhile.
      this.#switch();
    });
  }

  async #openOrClose(): Promise<void> {
    const unsubscribe = this.#unsubscribe;
    if (unsubscribe) {
      this.#unsubscribe = undefined;
      await unsubscribe().catch((error: unknown) => this.#report('closed', error));
      return;
    }
    for (let tries = 0; this.#watched.size > 0 && !this.#unsubscribe; tries += 1) {
      try {
        this.#unsubscribe = await this.#ports.subscribe?.({ ended: (ids) => this.#toldOf(ids), gap: () => this.#checkAll() });
        // What ended while there were no notifications was not told.
        this.#checkAll();
      } catch (error) {
        this.#report('opened', error);
        this.#checkSoon();
        await this.#pause(Math.min(100 * 2 ** tries, LONGEST_BACKOFF));
      }
    }
  }

  #toldOf(ids: readonly string[]): void {
    for (const id of ids) this.end(id);
  }

  #checkAll(): void {
    for (const id of this.#watched.keys()) this.#unchecked.add(id);
    this.#checkSoon();
  }

  /** Looks the sessions up that wait for it, many at once. */
  #checkSoon(): void {
    if (this.#checking) return;
    this.#checking = true;
    queueMicrotask(() => {
      this.#check().finally(() => {
        this.#checking = false;
        // Some may have come between the last look and here.
        if (this.#unchecked.size > 0) this.#checkSoon();
      });
    });
  }

  async #check(): Promise<void> {
    while (this.#unchecked.size > 0) {
      const ids = takeFrom(this.#unchecked, BATCH);
      try {
        const standings = await this.#ports.lookUp(ids);
        ids.forEach((id, index) => {
          this.#settle(id, standings[index]);
        });
      } catch {
        // The store is away, as its own report says. Whether they have ended is found at the next recheck.
      }
    }
  }

  #settle(id: string, standing: Standing): void {
    const watched = this.#watched.get(id);
    if (!watched || standing === undefined) return;
    if (standing === null) this.end(id);
    else if (this.#ports.now() >= standing) this.end(id, 'expired');
    else this.#armDeadline(id, watched, standing);
  }

  /** At its deadline a session is looked up again, as use may have moved it. Those far off are left to the next recheck. */
  #armDeadline(id: string, watched: Watched, deadline: number): void {
    clear(watched.timer);
    watched.timer = undefined;
    const left = deadline - this.#ports.now();
    if (left > this.#ports.recheckInterval) return;
    watched.timer = unref(
      setTimeout(() => {
        this.#unchecked.add(id);
        this.#checkSoon();
      }, left),
    );
  }

  #scheduleRecheck(): void {
    // A little before its time, by chance, so that processes that started together do not ask together.
    const delay = this.#ports.recheckInterval * (0.8 + 0.15 * Math.random());
    this.#recheckTimer = unref(
      setTimeout(() => {
        this.#scheduleRecheck();
        this.#checkAll();
      }, delay),
    );
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clear(timer);
        this.#retry = undefined;
        resolve();
      };
      const timer = unref(setTimeout(wake, ms));
      this.#retry = { timer, wake };
    });
  }

  #report(what: 'opened' | 'closed', error: unknown): void {
    this.#ports.logger?.warn(`token-sessions: the store's notifications could not be ${what}: ${describeError(error)}`);
  }
}

/** Takes so many out of a set, at most. */
function takeFrom(set: Set<string>, most: number): string[] {
  const taken: string[] = [];
  for (const each of set) {
    if (taken.length === most) break;
    taken.push(each);
    set.delete(each);
  }
  return taken;
}

/** A timer that does not keep the process alive, where the runtime can tell. */
function unref<Timer>(timer: Timer): Timer {
  callOn(timer, 'unref');
  return timer;
}

/**
 * Node keeps a list of timers for each duration, in which one that is cleared leaves an empty list behind until its time has come; only not where
 * the last one in it kept the process alive. Deadlines are days away and their durations all differ.
 */
function clear(timer: ReturnType<typeof setTimeout> | undefined): void {
  callOn(timer, 'ref');
  clearTimeout(timer);
}

function callOn(timer: unknown, method: 'ref' | 'unref'): void {
  const call: unknown = typeof timer === 'object' && timer !== null ? Reflect.get(timer, method) : undefined;
  if (typeof call === 'function') Reflect.apply(call, timer, []);
}
