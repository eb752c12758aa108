import { isSessionError } from '../../core/error.js';
import { NEVER } from '../../core/record/deadline.js';
import type { SessionRecord } from '../../core/store.js';
import type { Keys } from './keys.js';
import { type Finding, idOfMember, indexedUntil, memberOf } from './owner-index.js';
import { decodeOwner, decodeRecord, encodeRecord, tailOf, timesOf, unreadable, versionHead } from './record-text.js';
import { asInteger, asText, asTexts, asTextsOrNulls } from './replies.js';
import { DELETE, REPLACE } from './scripts.js';
import { isReply, type Server } from './server.js';

/** Ids of one `MGET`: the server does nothing else meanwhile. */
const IDS_AT_ONCE = 500;

/** A session that was removed, and where its owner's index has it. */
export interface Removed {
  readonly indexKey?: string;
  readonly member?: string;
}

/** The keys of the sessions, each read and written by itself. */
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
   * {@link find} for many. One that cannot be read does not spoil the others: it is given as a record that the library
   * cannot read either.
   */
  async findMany(ids: readonly string[]): Promise<(SessionRecord | null)[]> {
    if (this.#server.driver.clustered || ids.length < 2) return Promise.all(ids.map((id) => this.#findAnything(id)));
    const records: (SessionRecord | null)[] = [];
    for (let from = 0; from < ids.length; from += IDS_AT_ONCE) {
      records.push(...(await this.#findAtOnce(ids.slice(from, from + IDS_AT_ONCE))));
    }
    return records;
  }

  /** `'index-first'`: this would outlive the owner's index, which has to be written before; then with `until`. */
  async replace(
    record: SessionRecord,
    expectedVersion: string,
    ttl: number,
    until?: number,
  ): Promise<'replaced' | 'gone' | 'conflict' | 'index-first'> {
    const { version, expiresAt } = record;
    const args = [expectedVersion, version, timesOf(record), tailOf(record), String(ttl), String(expiresAt), String(until ?? '')];
    try {
      const outcome = asText(await this.#server.run(REPLACE, this.#keys.session(record.id), args));
      if (outcome === 'replaced' || outcome === 'gone' || outcome === 'conflict' || outcome === 'index-first') return outcome;
    } catch (error) {
      if (!isReply(error, 'WRONGTYPE')) throw error;
    }
    throw unreadable(record.id);
  }

  /** Removes a session and tells of it; `null` when it was not there. */
  async end(id: string): Promise<Removed | null> {
    const reply = await this.#server.run(DELETE, this.#keys.session(id), [this.#keys.channel, id]);
    if (!Array.isArray(reply)) return asInteger(reply) === 0 ? null : {};
    const [createdAt, owner] = asTexts(reply);
    if (createdAt === undefined || owner === undefined) return {};
    try {
      return { indexKey: this.#keys.owner(decodeOwner(id, owner)), member: memberOf({ id, createdAt }) };
    } catch {
      return {};
    }
  }

  /** Removes a session that nobody knows of yet. */
  async withdraw(id: string): Promise<void> {
    const key = this.#keys.session(id);
    await this.#server.send(key, ['del', key]);
  }

  /** What there is of the members of an index. One that cannot be read exists. */
  async lookUp(members: readonly string[]): Promise<Finding[]> {
    const records = await this.findMany(members.map(idOfMember));
    return members.map((member, index) => [member, records[index]?.expiresAt ?? '-']);
  }

  async #findAtOnce(ids: readonly string[]): Promise<(SessionRecord | null)[]> {
    const keys = ids.map((id) => this.#keys.session(id));
    const values = asTextsOrNulls(await this.#server.send(keys[0], ['mget', ...keys]), keys.length);
    const missing = keys.filter((_, index) => values[index] === null);
    // `MGET` answers nothing for a key of another type. There should be none; if there is, each is asked for by itself.
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
    return { id, version: '', createdAt: 0, expiresAt: NEVER, body: '' };
  }
}
