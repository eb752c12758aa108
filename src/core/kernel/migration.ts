import { copyJson, type JsonValue } from '../data/json.js';
import { isSessionError } from '../error.js';
import { type EventHub, eventOf } from '../events.js';
import type { LegacyClaim, LegacySession } from '../legacy.js';
import type { Migration } from '../record/codec.js';
import { addPending, opens } from '../record/rotation.js';
import { type Content, firstSnapshot, lifetimeOf, type Snapshot } from '../record/snapshot.js';
import { type Credential, newVersion, successorToken } from '../record/token.js';
import type { SessionRecord } from '../store.js';
import type { GuardedStore } from './guarded-store.js';
import type { Settings } from './settings.js';
import { gone, type WriteQueue } from './write-queue.js';

/*
 * The session of another library moves in steps. Whatever is lost or dies between them, the next request with the old token goes on
 * where they stopped:
 *
 *   copy it                        insert, under an id that follows from the old token: of two requests one inserts
 *   prove the copy                 the old session is still there
 *   remove the old session
 *   done                           with a new token pending, for this answer and later ones to carry
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
  /** Tells of a session whose data cannot be used. */
  readonly reportInvalid: (session: { readonly id: string }, error: unknown) => void;
}

/** How often a request begins anew where another process has overwritten its copy, as stores that are not atomic allow. */
const MAX_TRIES = 5;

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
    const { record } = await this.#snapshotOf(credential, old).catch((error: unknown) => {
      this.#ports.reportInvalid(credential, error);
      throw error;
    });
    const outcome = await store.insert(record, Math.max(1, record.expiresAt - settings.now()));
    return outcome === 'inserted' ? record : store.find(credential.id);
  }

  /** Completes the move of a session that its old token has opened, and hands the new token out where that can be done. */
  async settle(found: Snapshot, credential: Credential, claim: LegacyClaim): Promise<Snapshot | null> {
    let snapshot: Snapshot | null = found;
    for (let tries = 1; snapshot; tries += 1) {
      const migration: Migration | undefined = snapshot.state.migration;
      // Without it the new token has been used, and the old one is valid for its grace alone.
      if (!migration) return snapshot;
      try {
        return await this.#settle(snapshot, migration, credential, claim);
      } catch (error) {
        if (!isSessionError(error) || error.code !== 'SESSION_GONE') throw error;
        const next = await this.#openedBy(credential);
        snapshot = next?.state.migration?.nonce === migration.nonce || tries === MAX_TRIES ? null : next;
      }
    }
    return null;
  }

  async #settle(found: Snapshot, migration: Migration, credential: Credential, claim: LegacyClaim): Promise<Snapshot | null> {
    const { settings } = this.#ports;
    const next = claim.deliver && successorToken(settings.tokenPrefix, credential.id, claim.text, migration.nonce);
    const complete = migration.stage === 'done' && (!next || found.state.tokens.pending);
    const snapshot = complete ? found : await this.#complete(found, migration, credential, claim, next?.hash);
    if (next && snapshot?.state.tokens.pending?.hash === next.hash) claim.deliver?.(next.token, lifetimeOf(snapshot, settings));
    return snapshot;
  }

  async #complete(found: Snapshot, { stage, nonce }: Migration, credential: Credential, claim: LegacyClaim, offer: string | undefined) {
    const proven = stage === 'copied' ? await this.#prove(found, nonce, credential, claim) : found;
    if (proven?.state.migration?.stage === 'proven') await this.#removeOld(credential.id, claim);
    return proven && this.#finish(proven, nonce, credential, offer);
  }

  async #prove(snapshot: Snapshot, nonce: string, credential: Credential, claim: LegacyClaim): Promise<Snapshot | null> {
    const { store, queue } = this.#ports;
    if (await this.#readOld(credential.id, claim)) {
      return queue.submit(snapshot, (content) => {
        const migration = this.#migrationOf(content, nonce, credential);
        return migration?.stage === 'copied' ? withMigration(content, { ...migration, stage: 'proven' }) : content;
      });
    }
    const now = await this.#openedBy(credential);
    if (now?.state.migration?.stage !== 'copied') return now;
    await store.delete(credential.id);
    return null;
  }

  /** The last step. `offer` is the hash of the new token, where it can be handed out; it does not take the place of another one. */
  async #finish(snapshot: Snapshot, nonce: string, credential: Credential, offer: string | undefined): Promise<Snapshot> {
    const { queue, events } = this.#ports;
    let [moved, offered] = [false, false];
    const finished = await queue.submit(snapshot, (content) => {
      const migration = this.#migrationOf(content, nonce, credential);
      moved = migration !== undefined && migration.stage !== 'done';
      offered = migration !== undefined && offer !== undefined && !content.state.tokens.pending;
      const done = migration && moved ? withMigration(content, { ...migration, stage: 'done' }) : content;
      return offer !== undefined && offered ? { ...done, state: addPending(done.state, offer, done.state.authenticatedAt) } : done;
    });
    const event = eventOf(finished.record);
    if (moved) events.emit('migrated', event);
    if (offered) events.emit('rotated', { ...event, reason: 'pending' });
    return finished;
  }

  /** The session as it is now, if the old token still opens it. */
  async #openedBy({ id, hash }: Credential): Promise<Snapshot | null> {
    const snapshot = await this.#ports.find(id);
    return snapshot && opens(snapshot.state.tokens, [hash], this.#ports.settings.now()) ? snapshot : null;
  }

  /**
   * How far the move is of the copy with this nonce; `undefined` once the new token has been used.
   *
   * @throws `SESSION_GONE` when the session is another copy by now, or when the old token does not open it any more
   */
  #migrationOf({ state }: Content, nonce: string, { id, hash }: Credential): Migration | undefined {
    const { migration, tokens } = state;
    const holds = migration ? migration.nonce === nonce : opens(tokens, [hash], this.#ports.settings.now());
    if (!holds) throw gone(id);
    return migration;
  }

  async #snapshotOf({ id, hash }: Credential, { data: given, expiresAt }: LegacySession): Promise<Snapshot> {
    const { settings, ownerOf } = this.#ports;
    const stored = copyJson(given);
    const data = settings.validator ? await settings.validator(stored) : stored;
    const migration: Migration = { stage: 'copied', nonce: newVersion() };
    // When its user last proved who they are is not known: not lately.
    const state = { tokens: { current: hash }, authenticatedAt: 0, lastActiveAt: settings.now(), migration, stored };
    return firstSnapshot(id, ownerOf(data), { state, data }, settings, expiresAt);
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
