import { copyJson } from '../core/data/json.js';
import { gone, ofStored, SessionError } from '../core/error.js';
import { eventOf } from '../core/events.js';
import type { ForeignSession } from '../core/kernel/authentication.js';
import { isGone } from '../core/kernel/lifecycle.js';
import type { Services } from '../core/kernel/services.js';
import { deadlineOf, NEVER } from '../core/record/deadline.js';
import { standingOf } from '../core/record/match.js';
import { ownerOf } from '../core/record/owner.js';
import { rotate } from '../core/record/rotation.js';
import { type Content, firstSnapshot, lifetimeOf, type Snapshot, snapshotOf } from '../core/record/snapshot.js';
import type { Migration, SessionState } from '../core/record/state.js';
import { type Credential, newVersion } from '../core/record/token.js';
import type { ResponseHeadPort } from '../core/session/response-port.js';
import type { SessionRecord } from '../core/store.js';
import type { LegacySession, LegacySessions } from './legacy-sessions.js';

/*
 * The session of another library moves in steps. If a step is lost or its process dies, the next
 * request with the old token continues there:
 *
 *   copy it                   insert, under an id that is derived from the old token: of two
 *                             requests, only one inserts
 *   prove the copy            check that the old session still exists
 *   remove the old session
 *   done                      a new token is pending; this answer or a later one carries it
 *
 * A copy serves no request before the old session is removed. So while the old session exists, no
 * user can have logged out of the copy. When the old session is gone, an unproven copy may come
 * from a read before another request moved and ended the session. Such a copy must be deleted, or
 * it would undo a logout.
 */

/**
 * How often a request starts over, because the limit has refused another request's copy, or
 * because a process has overwritten its copy. The latter happens only with stores that are not
 * atomic.
 */
const MAX_TRIES = 5;

/** A token of another library that a source has recognised. */
export interface LegacyToken {
  readonly sessions: LegacySessions;
  readonly key: string;
  /** Whether the source that found the token can also write a new one to the response. */
  readonly isAnswered: boolean;
}

/** Moves one session of another library to this one, for one request with the session's token. */
export class LegacyMove implements ForeignSession {
  readonly #services: Services;
  readonly #token: LegacyToken;
  readonly #credential: Credential;
  readonly #head: ResponseHeadPort;
  /** Whether this request has inserted the copy. */
  #isOwn = false;

  constructor(services: Services, token: LegacyToken, credential: Credential, head: ResponseHeadPort) {
    this.#services = services;
    this.#token = token;
    this.#credential = credential;
    this.#head = head;
  }

  async copy(tries = MAX_TRIES): Promise<SessionRecord | null> {
    const { store, limit, reader, live } = this.#services;
    const { id } = this.#credential;
    const old = await this.#readOld();
    // Another request may have moved the session since this one looked for it here.
    if (!old) return store.find(id);
    const { record } = await this.#snapshotOf(old).catch((error: unknown) => {
      reader.reportInvalid({ id }, error);
      throw ofStored(error);
    });
    // If the account's limit refuses the insert, the old session stays where it is.
    if ((await limit.insert(record)) !== 'inserted') {
      // The limit may have refused another request's copy by now. Then this request asks it too.
      return (await store.find(id)) ?? (tries > 1 ? this.copy(tries - 1) : null);
    }
    // The id is derived from the old token, so an earlier session with the same id may have ended.
    live.begin(id);
    this.#isOwn = true;
    return record;
  }

  async settle(found: Snapshot): Promise<Snapshot | null> {
    let snapshot: Snapshot | null = found;
    for (let tries = 1; snapshot; tries += 1) {
      const migration: Migration | undefined = snapshot.state.migration;
      // Without a migration, the new token has been used, and the old one is only valid in its
      // grace.
      if (!migration) return snapshot;
      try {
        return await this.#settle(snapshot, migration);
      } catch (error) {
        if (!isGone(error)) throw error;
        let next = await this.#opened();
        if (!next && (await this.copy())) next = await this.#opened();
        snapshot = next?.state.migration?.nonce === migration.nonce || tries === MAX_TRIES ? null : next;
      }
    }
    return null;
  }

  async #settle(found: Snapshot, migration: Migration): Promise<Snapshot | null> {
    const { settings } = this.#services;
    const { id } = this.#credential;
    const canDeliver = this.#token.isAnswered && this.#head.isWritable();
    const isComplete = migration.stage === 'done' && (!canDeliver || found.state.tokens.pending);
    const snapshot = isComplete ? found : await this.#complete(found, migration, canDeliver);
    const next = canDeliver ? this.#credential.successor(migration.nonce) : null;
    if (next && snapshot?.state.tokens.pending?.hash === next.hash) {
      const token = next.reveal(settings.tokenPrefix);
      this.#head.issued({ id, token, lifetime: lifetimeOf(snapshot, settings), rotatedAt: settings.now() });
    }
    return snapshot;
  }

  async #complete(found: Snapshot, { stage, nonce }: Migration, canDeliver: boolean): Promise<Snapshot | null> {
    const proven = stage === 'copied' ? await this.#prove(found, nonce) : found;
    if (proven?.state.migration?.stage === 'proven') await this.#removeOld();
    return proven && this.#finish(proven, nonce, canDeliver);
  }

  async #prove(found: Snapshot, nonce: string): Promise<Snapshot | null> {
    const { store, queue, settings } = this.#services;
    const record = await this.#admitted(found);
    const old = await this.#readOld();
    if (old) {
      const expiresAt = Math.min(record.expiresAt, old.expiresAt ?? NEVER);
      return queue.submit(snapshotOf({ ...record, expiresAt }, found, settings), (content) => {
        const migration = this.#migrationOf(content, nonce);
        return migration?.stage === 'copied' ? withMigration(content, { ...migration, stage: 'proven' }) : content;
      });
    }
    const now = await this.#opened();
    if (now?.state.migration?.stage !== 'copied') return now;
    await store.delete(this.#credential.id);
    return null;
  }

  /**
   * Another request has inserted the copy, and may not know yet whether the account's limit lets
   * it stay. If the limit refuses it, it is removed, so the old session must not be. Inserting it
   * once more asks the same question.
   *
   * @throws `LIMIT_REACHED`
   */
  async #admitted({ record }: Snapshot): Promise<SessionRecord> {
    const { limit, settings } = this.#services;
    if (this.#isOwn || settings.maxPerOwner?.onLimit !== 'deny') return record;
    // Until it is admitted, the store may give it an earlier deadline.
    const copy = { ...record, expiresAt: deadlineOf(record.createdAt, record.createdAt, settings.limits) };
    await limit.insert(copy);
    return copy;
  }

  /**
   * The last step. It makes the first rotation, if the answer can carry the new token and no other
   * token is pending.
   */
  async #finish(snapshot: Snapshot, nonce: string, canDeliver: boolean): Promise<Snapshot> {
    const { queue, events } = this.#services;
    let [moved, offered] = [false, false];
    const finished = await queue.submit(snapshot, (content) => {
      const migration = this.#migrationOf(content, nonce);
      moved = migration !== undefined && migration.stage !== 'done';
      const done = migration && moved ? withMigration(content, { ...migration, stage: 'done' }) : content;
      const state = migration && canDeliver ? this.#offer(done.state) : undefined;
      offered = state !== undefined;
      return state ? { ...done, state } : done;
    });
    const event = eventOf(finished.record);
    if (moved) events.emit('migrated', event);
    if (offered) events.emit('rotated', { ...event, reason: 'pending' });
    return finished;
  }

  #offer(state: SessionState): SessionState | undefined {
    if (state.tokens.pending) return undefined;
    const { now, rotationGrace: grace } = this.#services.settings;
    const holder = { credentials: [this.#credential], replaced: false };
    const outcome = rotate(state, this.#credential.id, holder, {}, { now: now(), grace });
    return outcome.kind === 'write' ? outcome.state : undefined;
  }

  /** The newest session, if the old token still gives access to it. */
  async #opened(): Promise<Snapshot | null> {
    const { reader, settings } = this.#services;
    const snapshot = await reader.find(this.#credential.id);
    return snapshot && standingOf(snapshot.state, [this.#credential], settings.now()) ? snapshot : null;
  }

  /**
   * The migration state of the copy with this nonce. `undefined` if the new token was used.
   *
   * @throws `SESSION_GONE` if the session is another copy by now, or if the old token gives no
   *   access
   */
  #migrationOf({ state }: Content, nonce: string): Migration | undefined {
    const { migration } = state;
    const holds = migration
      ? migration.nonce === nonce
      : standingOf(state, [this.#credential], this.#services.settings.now());
    if (!holds) throw gone();
    return migration;
  }

  async #snapshotOf({ data: given, expiresAt }: LegacySession): Promise<Snapshot> {
    const { settings } = this.#services;
    const { id, hash } = this.#credential;
    const stored = copyJson(given);
    const data = settings.validator ? await settings.validator(stored) : stored;
    const migration: Migration = { stage: 'copied', nonce: newVersion() };
    // Nothing shows when the user was last authenticated. 0 says that it was long ago.
    const state = { tokens: { current: hash }, authenticatedAt: 0, lastActiveAt: settings.now(), migration, stored };
    return firstSnapshot(id, ownerOf(settings, data), { state, data }, settings, expiresAt);
  }

  async #readOld(): Promise<LegacySession | null> {
    const { store, settings } = this.#services;
    const { sessions, key } = this.#token;
    const read = async () => inWholeMs(await sessions.read(key));
    const old = await store.foreign('legacy read', this.#credential.id, read);
    return old?.expiresAt !== undefined && settings.now() >= old.expiresAt ? null : old;
  }

  #removeOld(): Promise<void> {
    const { sessions, key } = this.#token;
    return this.#services.store.foreign('legacy remove', this.#credential.id, () => sessions.remove(key));
  }
}

/**
 * Records hold whole milliseconds. Other libraries may compute the time from seconds with a
 * fraction. A copy with such a time could never be read.
 */
function inWholeMs(old: LegacySession | null): LegacySession | null {
  if (old?.expiresAt === undefined) return old;
  const expiresAt = Math.floor(old.expiresAt);
  if (!Number.isNaN(expiresAt)) return { ...old, expiresAt };
  throw new SessionError('INVALID_DATA', 'the time at which the old session ends is not a number');
}

function withMigration(content: Content, migration: Migration): Content {
  return { ...content, state: { ...content.state, migration } };
}
