import { isSessionError } from '../../core/error.js';
import { NEVER } from '../../core/record/deadline.js';
import type { SessionRecord, TouchedRecord } from '../../core/store.js';
import type { Keys } from './keys.js';
import { type Finding, idOfMember, indexedUntil, memberOf } from './owner-index.js';
import { decodeOwner, decodeRecord, encodeOwner, encodeRecord, tailOf, timesOf, unreadable, versionHead } from './record-text.js';
import { asInteger, asText, asTexts, asTextsOrNulls } from './replies.js';
import { DELETE, REPLACE, type Script, TOUCH } from './scripts.js';
import { isReply, type Server } from './server.js';

/** Ids of one `MGET`: the server does nothing else meanwhile. */
const IDS_AT_ONCE = 500;

/** `'index-first'`: this would outlive the owner's index, which has to be written before. */
export type WriteOutcome = 'replaced' | 'gone' | 'conflict' | 'index-first';

/** A session that was removed, and where its owner's index has it. */
export interface Removed {
  readonly indexKey?: string;
  readonly member?: string;
}

/** The keys of the sessions, each read and written on its own. */
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
   * {@link find} for many. One that cannot be read does not spoil the others: it is given as a
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
   * `until`: how long the owner's index is known to have the session, where it was written just
   * before.
   */
  replace(record: SessionRecord, expectedVersion: string, ttl: number, until?: number): Promise<WriteOutcome> {
    const { id, version, ownerId, expiresAt } = record;
    const owned = ownerId === undefined ? '' : 'owned';
    return this.#write(REPLACE, id, [expectedVersion, version, timesOf(record), tailOf(record), ttl, expiresAt, until ?? '', owned]);
  }

  /** {@link replace} of the version and the deadline alone. */
  touch({ id, version, expiresAt }: TouchedRecord, expectedVersion: string, ttl: number, until?: number): Promise<WriteOutcome> {
    return this.#write(TOUCH, id, [expectedVersion, version, ttl, expiresAt, until ?? '']);
  }

  async #write(script: Script, id: string, args: readonly (string | number)[]): Promise<WriteOutcome> {
    try {
      const outcome = asText(await this.#server.run(script, this.#keys.session(id), args.map(String)));
      if (outcome === 'replaced' || outcome === 'gone' || outcome === 'conflict' || outcome === 'index-first') return outcome;
    } catch (error) {
      if (!isReply(error, 'WRONGTYPE')) throw error;
    }
    throw unreadable(id);
  }

  /**
   * Removes a session and publishes its id; `null` when it was not there. With an owner, only a
   * session of that owner: where it got another one, an index may still name it.
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

  /** Removes a session whose token was not handed out. */
  async withdraw(id: string): Promise<void> {
    const key = this.#keys.session(id);
    await this.#server.send(key, ['del', key]);
  }

  /**
   * What there is of the members of an index. One that cannot be read exists; one that got another
   * owner does not.
   */
  async lookUp(key: string, members: readonly string[]): Promise<Finding[]> {
    const records = await this.findMany(members.map(idOfMember));
    return members.map((member, index) => [member, deadlineOf(records[index], (ownerId) => this.#keys.owner(ownerId) === key)]);
  }

  async #findAtOnce(ids: readonly string[]): Promise<(SessionRecord | null)[]> {
    const keys = ids.map((id) => this.#keys.session(id));
    const values = asTextsOrNulls(await this.#server.send(keys[0], ['mget', ...keys]), keys.length);
    const missing = keys.filter((_, index) => values[index] === null);
    // `MGET` answers nothing for a key of another type. There should be none; if there is, each is
    // asked for on its own.
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

  /** The value of a session's key; an empty text for one of another type. */
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
  return record.ownerId !== undefined && isIndexed(record.ownerId) ? record.expiresAt : '-';
}
