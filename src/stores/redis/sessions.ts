import { isSessionError } from '../../core/error.js';
import { NEVER } from '../../core/record/deadline.js';
import type { SessionRecord, TouchedRecord } from '../../core/store.js';
import type { Keys } from './keys.js';
import { type Finding, idOfMember, indexedUntil, memberOf } from './owner-index.js';
import {
  decodeOwner,
  decodeRecord,
  encodeOwner,
  encodeRecord,
  tailOf,
  timesOf,
  unreadable,
  versionHead,
} from './record-text.js';
import { asInteger, asText, asTexts, asTextsOrNulls } from './replies.js';
import { DELETE, REPLACE, type Script, TOUCH } from './scripts.js';
import { isReply, type Server } from './server.js';

/** How many ids one `MGET` reads. The server does nothing else meanwhile. */
const IDS_AT_ONCE = 500;

/** `'index-first'`: the session would outlive the owner's index, which must be written first. */
export type WriteOutcome = 'replaced' | 'gone' | 'conflict' | 'index-first';

/** A removed session, and its place in the owner's index. */
export interface Removed {
  readonly indexKey?: string;
  readonly member?: string;
}

/** The keys of the sessions. Each is read and written on its own. */
export class Sessions {
  readonly #server: Server;
  readonly #keys: Keys;

  constructor(server: Server, keys: Keys) {
    this.#server = server;
    this.#keys = keys;
  }

  async insert(record: SessionRecord, ttl: number): Promise<'inserted' | 'exists'> {
    const key = this.#keys.session(record.id);
    const until = record.ownerId === undefined ? undefined : indexedUntil(record, ttl);
    const value = encodeRecord(record, until);
    if (await this.#server.isDone(key, ['set', key, value, 'PX', String(ttl), 'NX'])) return 'inserted';
    const stored = await this.#readAnything(record.id);
    return stored?.startsWith(versionHead(record.version)) ? 'inserted' : 'exists';
  }

  find(id: string): Promise<SessionRecord | null> {
    const key = this.#keys.session(id);
    return this.#server.ask(key, [this.#server.driver.readCommand, key]).then(
      (reply) => {
        const value = asText(this.#server.own(reply));
        return value === null ? null : decodeRecord(id, value);
      },
      (error: unknown) => {
        throw isReply(error, 'WRONGTYPE') ? unreadable(id) : this.#server.explain(error);
      },
    );
  }

  /**
   * {@link find} for many. An unreadable record does not spoil the others: it is returned as a
   * record that the library cannot read either.
   */
  async findMany(ids: readonly string[]): Promise<(SessionRecord | null)[]> {
    if (this.#server.driver.clustered || ids.length < 2) return Promise.all(ids.map((id) => this.#findAnything(id)));
    const records: (SessionRecord | null)[] = [];
    for (let from = 0; from < ids.length; from += IDS_AT_ONCE) {
      records.push(...(await this.#findAtOnce(ids.slice(from, from + IDS_AT_ONCE))));
    }
    return records;
  }

  /**
   * @param until how long the owner's index certainly has the session, if it was written just
   * before
   */
  replace(record: SessionRecord, expectedVersion: string, ttl: number, until?: number): Promise<WriteOutcome> {
    const { id, version, ownerId, expiresAt } = record;
    const owned = ownerId === undefined ? '' : 'owned';
    return this.#write(REPLACE, id, [
      expectedVersion,
      version,
      timesOf(record),
      tailOf(record),
      ttl,
      expiresAt,
      until ?? '',
      owned,
    ]);
  }

  /** {@link replace} for only the version and the deadline. */
  touch(
    { id, version, expiresAt }: TouchedRecord,
    expectedVersion: string,
    ttl: number,
    until?: number,
  ): Promise<WriteOutcome> {
    return this.#write(TOUCH, id, [expectedVersion, version, ttl, expiresAt, until ?? '']);
  }

  async #write(script: Script, id: string, args: readonly (string | number)[]): Promise<WriteOutcome> {
    try {
      const outcome = asText(await this.#server.run(script, this.#keys.session(id), args.map(String)));
      if (outcome === 'replaced' || outcome === 'gone' || outcome === 'conflict' || outcome === 'index-first')
        return outcome;
    } catch (error) {
      if (!isReply(error, 'WRONGTYPE')) throw error;
    }
    throw unreadable(id);
  }

  /**
   * Removes a session and publishes its id. Returns `null` if it is missing. With an owner, it
   * removes only a session of that owner. If the session got another owner, an index may still
   * name it.
   */
  async remove(id: string, ownerId?: string): Promise<Removed | null> {
    const args = [this.#keys.channel, id, ...(ownerId === undefined ? [] : [encodeOwner(ownerId)])];
    const reply = await this.#server.run(DELETE, this.#keys.session(id), args);
    if (!Array.isArray(reply)) return asInteger(reply) === 0 ? null : {};
    const [createdAt, owner] = asTexts(reply);
    if (createdAt === undefined || owner === undefined) return {};
    try {
      return { indexKey: this.#keys.owner(decodeOwner(id, owner)), member: memberOf({ id, createdAt }) };
    } catch {
      return {};
    }
  }

  /** Removes a session whose token was never given out. */
  async withdraw(id: string): Promise<void> {
    const key = this.#keys.session(id);
    await this.#server.send(key, ['del', key]);
  }

  /**
   * Looks up the members of an index. An unreadable session counts as alive. A session with
   * another owner counts as ended.
   */
  async lookUp(key: string, members: readonly string[]): Promise<Finding[]> {
    const records = await this.findMany(members.map(idOfMember));
    return members.map((member, index) => [
      member,
      deadlineOf(records[index], (ownerId) => this.#keys.owner(ownerId) === key),
    ]);
  }

  async #findAtOnce(ids: readonly string[]): Promise<(SessionRecord | null)[]> {
    const keys = ids.map((id) => this.#keys.session(id));
    const values = asTextsOrNulls(await this.#server.send(keys[0], ['mget', ...keys]), keys.length);
    const missing = keys.filter((_, index) => values[index] === null);
    // `MGET` returns nothing for a key of another type. Such keys are not expected. If there is
    // one, each missing key is read on its own.
    const doubtful = missing.length > 0 && asInteger(await this.#server.send(keys[0], ['exists', ...missing])) > 0;
    return Promise.all(
      ids.map((id, index) => {
        const value = values[index];
        if (typeof value === 'string') return decodeAnything(id, value);
        return doubtful ? this.#findAnything(id) : null;
      }),
    );
  }

  async #findAnything(id: string): Promise<SessionRecord | null> {
    const value = await this.#readAnything(id);
    return value === null ? null : decodeAnything(id, value);
  }

  /** The value of a session's key. An empty text if the key is of another type. */
  async #readAnything(id: string): Promise<string | null> {
    const key = this.#keys.session(id);
    try {
      return asText(await this.#server.send(key, [this.#server.driver.readCommand, key]));
    } catch (error) {
      if (isReply(error, 'WRONGTYPE')) return '';
      throw error;
    }
  }
}

function decodeAnything(id: string, value: string): SessionRecord {
  try {
    return decodeRecord(id, value);
  } catch (error) {
    if (!isSessionError(error)) throw error;
    return { id, version: '', createdAt: Number.NaN, expiresAt: Number.NaN, body: '' };
  }
}

function deadlineOf(record: SessionRecord | null | undefined, isIndexed: (ownerId: string) => boolean): number | '-' {
  if (!record) return '-';
  if (record.version === '') return NEVER;
  // A session that is about to get its owner is in the index first. It must stay there.
  return record.ownerId === undefined || isIndexed(record.ownerId) ? record.expiresAt : '-';
}
