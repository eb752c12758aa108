import { gone, type SessionError } from '../error.js';
import { isGone } from '../kernel/lifecycle.js';
import type { EndListener, Watcher } from '../kernel/live-sessions.js';
import type { Services } from '../kernel/services.js';
import type { Change } from '../kernel/write-queue.js';
import type { Snapshot } from '../record/snapshot.js';
import type { Credential } from '../record/token.js';
import type { SessionRecord } from '../store.js';

/** The session that a request holds: one object for all its calls and all their drafts. */
export class HeldSession {
  readonly services: Services;
  /**
   * The tokens by which the request may use the session; `null` for the server, which needs none.
   */
  readonly credentials: readonly Credential[] | null;
  /** Whether this request created it. */
  readonly isNew: boolean;
  #snapshot: Snapshot;
  #ended = false;
  /** How many pending logins will end it if they succeed. */
  #replacements = 0;
  /** Whether a write or read found that it has ended. */
  #isGone = false;
  #reading: Promise<void> | undefined;
  /** The version that this request's last write replaced: a slow read may still bring it. */
  #superseded: string | undefined;

  constructor(services: Services, snapshot: Snapshot, credentials: readonly Credential[] | null, isNew = false) {
    this.services = services;
    this.#snapshot = snapshot;
    this.credentials = credentials;
    this.isNew = isNew;
  }

  get id(): string {
    return this.#snapshot.record.id;
  }

  /** The newest that this request knows of. */
  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Whether this process knows that the session has ended. */
  get isEnded(): boolean {
    return this.#ended || this.#isGone || this.services.live.hasEnded(this.id);
  }

  /** Whether a guard must refuse: the session has ended, or a pending login is to replace it. */
  get isRefused(): boolean {
    return this.isEnded || this.#replacements > 0;
  }

  /** A login that is to replace the session begins (1), or has been undone (-1). */
  replacing(by: 1 | -1): void {
    this.#replacements += by;
  }

  /** Takes over what was read or written, unless something newer is known. */
  advance(snapshot: Snapshot): void {
    if (snapshot.order > this.#snapshot.order) this.#snapshot = snapshot;
  }

  /** Notes that this request has ended the session. */
  markEnded(): void {
    this.#ended = true;
  }

  /** Writes a change to the newest content. Resolves to what is stored then. */
  async submit(change: Change): Promise<Snapshot> {
    this.assertAlive();
    const { version } = this.#snapshot.record;
    const snapshot = await this.#ask(() => this.services.queue.submit(this.#snapshot, change));
    if (snapshot.record.version !== version) this.#superseded = version;
    return snapshot;
  }

  /** Reads the session again, and resolves to what was read. @throws `SESSION_GONE` */
  async reload(): Promise<Snapshot> {
    this.assertAlive();
    return this.#ask(async () => {
      const snapshot = await this.services.reader.find(this.id);
      if (snapshot) return snapshot;
      throw gone();
    });
  }

  /** Counts as activity. If none has to be written, asks whether the session still exists. */
  async touch(): Promise<void> {
    const { lifecycle } = this.services;
    this.assertAlive();
    if (lifecycle.isTouchDue(this.#snapshot)) await this.#ask(() => lifecycle.touch(this.#snapshot));
    else await this.reload();
  }

  /**
   * Calls the listener when the session ends, or immediately if it has. Returns a function that
   * stops it.
   */
  watch(listener: EndListener): () => void {
    return this.#watch({ ended: (reason) => this.#tell(listener, reason) }, listener);
  }

  /**
   * {@link watch} for a stream. It also takes over the records that rechecks read, and ends when
   * an immediate rotation ends the token that opened it: see {@link Watcher.isOf}.
   */
  follow(listener: EndListener, isOf: Watcher['isOf']): () => void {
    return this.#watch({ ended: listener, seen: (record) => this.#see(record), isOf }, listener);
  }

  /** @throws `SESSION_GONE` when this request has ended the session */
  assertAlive(): void {
    if (this.#ended) throw gone();
  }

  #watch(watcher: Watcher, listener: EndListener): () => void {
    if (this.#ended || this.#isGone) {
      listener(gone());
      return () => undefined;
    }
    const { record } = this.#snapshot;
    return this.services.live.watch(record.id, watcher, record.createdAt + this.services.settings.limits.absolute);
  }

  #tell(listener: EndListener, reason: SessionError): void {
    this.#isGone = true;
    listener(reason);
  }

  /** Reads a record that a recheck brought, unless it is known. The reader reports failures. */
  #see(record: SessionRecord): void {
    const { version } = record;
    if (version === this.#snapshot.record.version || version === this.#superseded || this.#reading) return;
    this.#reading = this.services.reader
      .read(record)
      .then((snapshot) => snapshot && this.advance(snapshot))
      .catch(() => undefined)
      .then(() => {
        this.#reading = undefined;
      });
  }

  async #ask(run: () => Promise<Snapshot>): Promise<Snapshot> {
    try {
      const snapshot = await run();
      this.advance(snapshot);
      return snapshot;
    } catch (error) {
      if (isGone(error)) this.#isGone = true;
      throw error;
    }
  }
}
