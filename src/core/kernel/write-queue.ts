import { gone, isSessionError, SessionError } from '../error.js';
import { type EventHub, eventOf } from '../events.js';
import { type Content, nextSnapshot, type Snapshot, touchedSnapshot } from '../record/snapshot.js';
import type { SessionRecord } from '../store.js';
import type { GuardedStore } from './guarded-store.js';
import type { Reader } from './reader.js';
import type { Settings } from './settings.js';
import { pause } from './timers.js';

/**
 * Returns the changed content, or the same object if nothing changes. It runs again if another
 * writer came first. If it throws, only this change fails.
 */
export type Change = (content: Content, record: SessionRecord) => Content | Promise<Content>;

interface Job {
  readonly change: Change;
  readonly resolve: (snapshot: Snapshot) => void;
  readonly reject: (error: unknown) => void;
}

/** The changes of one session that are waiting or running. */
interface Line {
  readonly id: string;
  newest: Snapshot;
  waiting: Job[];
}

/** Tries before `CONFLICT`. Four busy processes that wrote one session needed up to 15. */
const MAX_TRIES = 40;
const LONGEST_PAUSE = 50;

/**
 * Writes changes of sessions. Within the process, changes of one session queue up, and all that
 * wait go into one write. Compare-and-swap finds the writes of other processes.
 */
export class WriteQueue {
  readonly #lines = new Map<string, Line>();
  readonly #running = new Set<Promise<void>>();
  readonly #store: GuardedStore;
  readonly #reader: Reader;
  readonly #settings: Settings;
  readonly #events: EventHub;

  constructor(store: GuardedStore, reader: Reader, settings: Settings, events: EventHub) {
    this.#store = store;
    this.#reader = reader;
    this.#settings = settings;
    this.#events = events;
  }

  /**
   * Applies the change to the newest content, starting from `base` if nothing newer is known.
   * Resolves to the snapshot that is stored then.
   *
   * @throws `SESSION_GONE` · `CONFLICT` · `INVALID_DATA` · `STORE_UNAVAILABLE`, or what `change`
   *   throws
   */
  submit(base: Snapshot, change: Change): Promise<Snapshot> {
    return new Promise((resolve, reject) => {
      const job: Job = { change, resolve, reject };
      const line = this.#lines.get(base.record.id);
      if (line) {
        if (base.order > line.newest.order) line.newest = base;
        line.waiting.push(job);
      } else {
        this.#start({ id: base.record.id, newest: base, waiting: [job] });
      }
    });
  }

  /** Resolves when no write is running. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #start(line: Line): void {
    this.#lines.set(line.id, line);
    const run = this.#drain(line).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  async #drain(line: Line): Promise<void> {
    // Changes that are submitted in the same tick join the first write.
    await Promise.resolve();
    while (line.waiting.length > 0) {
      const jobs = line.waiting;
      line.waiting = [];
      try {
        const done = await this.#write(line, jobs);
        // A newer read may have come in meanwhile. Keep it.
        if (done.order > line.newest.order) line.newest = done;
        for (const job of jobs) job.resolve(done);
      } catch (error) {
        // After a store failure, the jobs that waited behind it fail too: they have waited long
        // enough.
        const failed = isSessionError(error) && error.code === 'STORE_UNAVAILABLE' ? line.waiting.splice(0) : [];
        for (const job of [...jobs, ...failed]) job.reject(error);
      }
    }
    this.#lines.delete(line.id);
  }

  /** Makes one write for all jobs. A job whose change throws is rejected here and left out. */
  async #write(line: Line, jobs: Job[]): Promise<Snapshot> {
    let snapshot = line.newest;
    for (let tries = 1; ; tries += 1) {
      // Another process may have moved the deadline since this was read.
      if (this.#isPast(snapshot)) snapshot = await this.#reread(line.id, tries);
      const next = await this.#apply(snapshot, jobs);
      if (!next) return snapshot;
      // The deadline may have passed while an asynchronous schema ran.
      if (this.#isPast(snapshot)) continue;
      const ttl = Math.max(1, next.record.expiresAt - this.#settings.now());
      const { version } = snapshot.record;
      const isTouch = next.record.body === snapshot.record.body && this.#store.has('touch');
      const outcome = await (isTouch
        ? this.#store.touch(next.record, version, ttl)
        : this.#store.replace(next.record, version, ttl));
      if (outcome === 'replaced') return next;
      if (outcome === 'gone') throw gone();
      const last = tries === MAX_TRIES;
      this.#events.emit('conflict', { ...eventOf(snapshot.record), reason: last ? 'gave-up' : 'merged' });
      if (last)
        throw new SessionError(
          'CONFLICT',
          `another request changed the session at each of ${tries} attempts: try again later`,
        );
      snapshot = await this.#reread(line.id, tries);
    }
  }

  #isPast(snapshot: Snapshot): boolean {
    return this.#settings.now() >= snapshot.deadline;
  }

  async #apply(snapshot: Snapshot, jobs: Job[]): Promise<Snapshot | null> {
    let content: Content = snapshot;
    let next: Snapshot | null = null;
    for (const job of [...jobs]) {
      try {
        const changed = await job.change(content, snapshot.record);
        if (changed === content) continue;
        // Encoding checks the size. It happens here, so that too much data fails only its own job.
        const touched = this.#store.has('touch') ? touchedSnapshot(snapshot, changed, this.#settings) : null;
        next = touched ?? nextSnapshot(snapshot, changed, this.#settings);
        content = changed;
      } catch (error) {
        jobs.splice(jobs.indexOf(job), 1);
        job.reject(error);
      }
    }
    return next;
  }

  async #reread(id: string, tries: number): Promise<Snapshot> {
    // The first retry is immediate, because two writers that met rarely meet again. Later ones
    // wait for a random time.
    if (tries > 1) await pause(Math.random() * Math.min(2 ** tries, LONGEST_PAUSE));
    const snapshot = await this.#reader.find(id);
    if (!snapshot) throw gone();
    return snapshot;
  }
}
