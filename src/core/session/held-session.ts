import { gone, type SessionError } from '../error.js';
import { isGone } from '../kernel/lifecycle.js';
import type { Services } from '../kernel/services.js';
import type { EndListener, Watcher } from '../kernel/watched.js';
import type { Change } from '../kernel/write-queue.js';
import type { Snapshot } from '../record/snapshot.js';
import type { Credential } from '../record/token.js';
import type { SessionRecord } from '../store.js';

/** The session that a request holds. All its calls and drafts share this object. */
export class HeldSession {
  readonly services: Services;
  /**
   * The tokens by which the request may use the session. `null` for the server, which needs none.
   */
  readonly credentials: readonly Credential[] | null;
  /** Whether this request created the session. */
  readonly isNew: boolean;
  #snapshot: Snapshot;
  #ended = false;
  /** How many pending logins will end the session if they succeed. */
  #replacements = 0;
  /** Whether a write or a read found that the session has ended. */
  #isGone = false;
  #reading: Promise<void> | undefined;
  /** The version that this request's last write replaced. A slow read may still return it. */
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

  /** The newest snapshot that this request knows. */
  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Whether this process knows that the session has ended. */
  get isEnded(): boolean {
    return this.#ended || this.#isGone || this.services.live.hasEnded(this.id);
  }

  /** Whether a guard must refuse: the session has ended, or a pending login will replace it. */
  get isRefused(): boolean {
    return this.isEnded || this.#replacements > 0;
  }

  /** Counts the logins that will replace the session: 1 when one begins, -1 when it is undone. */
  replacing(by: 1 | -1): void {
    this.#replacements += by;
  }

  /** Takes over a snapshot that was read or written, unless a newer one is known. */
  advance(snapshot: Snapshot): void {
    if (snapshot.order > this.#snapshot.order) this.#snapshot = snapshot;
  }

  /** Notes that this request has ended the session. */
  markEnded(): void {
    this.#ended = true;
  }

  /** Applies a change to the newest content. Resolves to the snapshot that is stored then. */
  async submit(change: Change): Promise<Snapshot> {
    this.assertAlive();
    const { version } = this.#snapshot.record;
    const snapshot = await this.#ask(() => this.services.queue.submit(this.#snapshot, change));
    if (snapshot.record.version !== version) this.#superseded = version;
    return snapshot;
  }

  /** Reads the session again. Resolves to the newest snapshot. @throws `SESSION_GONE` */
  async reload(): Promise<Snapshot> {
    this.assertAlive();
    return this.#ask(async () => {
      const snapshot = await this.services.reader.find(this.id);
      if (snapshot) return snapshot;
      throw gone();
    });
  }

  /** Records activity. If no write is due, only checks that the session still exists. */
  async touch(): Promise<void> {
    const { lifecycle } = this.services;
    this.assertAlive();
    if (lifecycle.isTouchDue(this.#snapshot)) await this.#ask(() => lifecycle.touch(this.#snapshot));
    else await this.reload();
  }

  /**
   * Calls the listener when the session ends, or immediately if it already has. Takes over the
   * records that rechecks read meanwhile. Returns a function that removes the listener.
   */
  watch(listener: EndListener): () => void {
    return this.#watch(listener, (reason) => this.#noteEnd(listener, reason));
  }

  /**
   * {@link watch} for a stream. It also ends when an immediate rotation ends the token that opened
   * it: see {@link Watcher.isOf}.
   */
  follow(listener: EndListener, isOf: Watcher['isOf']): () => void {
    return this.#watch(listener, listener, isOf);
  }

  /** @throws `SESSION_GONE` when this request has ended the session */
  assertAlive(): void {
    if (this.#ended) throw gone();
  }

  #watch(listener: EndListener, ended: EndListener, isOf?: Watcher['isOf']): () => void {
    if (this.#ended || this.#isGone) {
      listener(gone());
      return () => undefined;
    }
    const { record } = this.#snapshot;
    const watcher = { ended, seen: (each: SessionRecord) => this.#see(each), isOf };
    return this.services.live.watch(record.id, watcher, record.createdAt + this.services.settings.limits.absolute);
  }

  #noteEnd(listener: EndListener, reason: SessionError): void {
    this.#isGone = true;
    listener(reason);
  }

  /** Reads a record that a recheck found, unless it is known. The reader reports failures. */
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
