import type { Migration } from './codec.js';
import { isSessionError } from './error.js';
import { type EventHub, eventOf } from './events.js';
import type { GuardedStore } from './guarded-store.js';
import { copyJson, type JsonValue } from './json.js';
import type { LegacyClaim, LegacySession } from './legacy.js';
import type { Settings } from './options.js';
import { addPending, opens } from './rotation.js';
import { type Content, firstSnapshot, lifetimeOf, type Snapshot } from './snapshot.js';
import type { SessionRecord } from './store.js';
import { type Credential, mintToken, newVersion } from './token.js';
import { gone, type WriteQueue } from './write-queue.js';

/*
 * The session of another library moves in steps. Whatever is lost or dies between them, the next request with the old token goes on
 * where they stopped:
 *
 *   copy it                        insert, under an id that follows from the old token: of two requests one inserts
 *   prove the copy                 the old session is still there
 *   remove the old session
 *   done                           with a new token pending, for the response to carry
 *
 * A copy serves nobody before the old session is removed. So while the old session is there, nobody can have logged out of the copy;
 * and when it is not, a copy that nobody has proven was made from what was read before the session was moved and ended by
 * others: it has to go, or a logout would be undone.
 */

/** What the migration needs of the kernel. */
export interface MigrationPorts {
  readonly settings: Settings;
  readonly store: GuardedStore;
  readonly queue: WriteQueue;
  readonly events: EventHub;
  readonly find: (id: string) => Promise<Snapshot | null>;
  /** The account that data belongs to. */
  readonly ownerOf: (data: JsonValue) => string | undefined;
}

/** A parallel answer's new token is not made void by another one sooner than this, in ms. */
const LEAST_OFFER_INTERVAL = 60_000;

/** Moves the sessions of another library here. */
export class LegacyMigration {
  readonly #ports: MigrationPorts;

  constructor(ports: MigrationPorts) {
    this.#ports = ports;
  }

  /** For an old token that has no session here: the copy of its session, or `null` where there is none. */
  async copy(credential: Credential, claim: LegacyClaim): Promise<SessionRecord | null> {
    const { store, settings } = this.#ports;
    const old = await this.#readOld(credential.id, claim);
    // Another request may have moved it since this one looked here.
    if (!old) return store.find(credential.id);
    const { record } = await this.#snapshotOf(credential, old);
    const outcome = await store.insert(record, Math.max(1, record.expiresAt - settings.now()));
    return outcome === 'inserted' ? record : store.find(credential.id);
  }

  /** Completes the move of a session that its old token has opened, and hands a new token out where that is due. */
  async settle(snapshot: Snapshot, credential: Credential, claim: LegacyClaim): Promise<Snapshot | null> {
    const { migration } = snapshot.state;
    // Without it the old token is valid for its grace alone.
    if (!migration || (migration.stage === 'done' && !(claim.deliver && this.#isOfferDue(migration)))) return snapshot;
    try {
      const proven = migration.stage === 'copied' ? await this.#prove(snapshot, credential, claim) : snapshot;
      if (!proven) return null;
      if (proven.state.migration?.stage === 'proven') await this.#removeOld(credential.id, claim);
      return await this.#finish(proven, migration.nonce, credential, claim);
    } catch (error) {
      if (isSessionError(error) && error.code === 'SESSION_GONE') return null;
      throw error;
    }
  }

  async #snapshotOf({ id, hash }: Credential, { data: given, expiresAt }: LegacySession): Promise<Snapshot> {
    const { settings, ownerOf } = this.#ports;
    const stored = copyJson(given);
    const data = settings.validator ? await settings.validator(stored) : stored;
    const migration: Migration = { stage: 'copied', offeredAt: 0, nonce: newVersion() };
    // When its user last proved who they are is not known: not lately.
    const state = { tokens: { current: hash }, authenticatedAt: 0, lastActiveAt: settings.now(), migration, stored };
    return firstSnapshot(id, ownerOf(data), { state, data }, settings, expiresAt);
  }

  async #prove(snapshot: Snapshot, credential: Credential, claim: LegacyClaim): Promise<Snapshot | null> {
    const { store, queue, settings, find } = this.#ports;
    const { id } = credential;
    const nonce = snapshot.state.migration?.nonce;
    if (await this.#readOld(id, claim)) {
      return queue.submit(snapshot, (content) => {
        const migration = this.#migrationOf(content, nonce, credential);
        return migration?.stage === 'copied' ? withMigration(content, { ...migration, stage: 'proven' }) : content;
      });
    }
    const now = await find(id);
    if (now?.state.migration?.stage === 'copied') {
      await store.delete(id);
      return null;
    }
    return now && opens(now.state.tokens, [credential.hash], settings.now()) ? now : null;
  }

  async #finish(snapshot: Snapshot, nonce: string, credential: Credential, claim: LegacyClaim): Promise<Snapshot> {
    const { settings, queue, events } = this.#ports;
    const minted = claim.deliver && mintToken(settings.tokenPrefix, credential.id);
    let moved = false;
    const finished = await queue.submit(snapshot, (content) => {
      const migration = this.#migrationOf(content, nonce, credential);
      moved = migration !== undefined && migration.stage !== 'done';
      if (!migration) return content;
      const done = moved ? withMigration(content, { ...migration, stage: 'done' }) : content;
      if (!minted || !this.#isOfferDue(migration)) return done;
      return { ...done, state: addPending(done.state, minted.hash, done.state.authenticatedAt, settings.now()) };
    });
    const event = eventOf(finished.record);
    if (moved) events.emit('migrated', event);
    if (minted && finished.state.tokens.pending?.hash === minted.hash) {
      claim.deliver?.(minted.token, lifetimeOf(finished, settings));
      events.emit('rotated', { ...event, reason: 'pending' });
    }
    return finished;
  }

  /**
   * How far the move is of the copy with this nonce; `undefined` once the new token has been used.
   *
   * @throws `SESSION_GONE` when the session is another copy by now, or when the old token does not open it any more
   */
  #migrationOf({ state }: Content, nonce: string | undefined, { id, hash }: Credential): Migration | undefined {
    const { migration, tokens } = state;
    const holds = migration ? migration.nonce === nonce : opens(tokens, [hash], this.#ports.settings.now());
    if (!holds) throw gone(id);
    return migration;
  }

  #isOfferDue({ offeredAt }: Migration): boolean {
    const { now, touchInterval } = this.#ports.settings;
    return offeredAt === 0 || now() - offeredAt >= Math.max(touchInterval, LEAST_OFFER_INTERVAL);
  }

  async #readOld(id: string, { sessions, key }: LegacyClaim): Promise<LegacySession | null> {
    const { store, settings } = this.#ports;
    const old = await store.call('legacy read', id, () => sessions.read(key));
    return old?.expiresAt !== undefined && settings.now() >= old.expiresAt ? null : old;
  }

  #removeOld(id: string, { sessions, key }: LegacyClaim): Promise<void> {
    return this.#ports.store.call('legacy remove', id, () => sessions.remove(key));
  }
}

function withMigration(content: Content, migration: Migration): Content {
  return { ...content, state: { ...content.state, migration } };
}
