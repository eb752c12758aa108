import { NEVER } from '../../core/record/deadline.js';
import type { OwnerLimit, OwnerTrim, TouchedRecord } from '../../core/store.js';
import { partsOf, STEP } from '../shared/steps.js';
import { ignore } from './clients/driver.js';
import { asInteger, asList, asText, asTexts } from './replies.js';
import { ADMIT, INDEX, SETTLE, TRIM } from './scripts.js';
import type { Server } from './server.js';

const HOUR = 3_600_000;
/** How many members whose deadline has passed each login looks at. */
const LOOKED_AT = 16;
/**
 * How many members beyond the limit a script looks at. So its work is bounded, however many
 * members there are.
 */
const BEYOND_LIMIT = 1_000;
/** Each round looks at members that the round before did not look at. */
const MOST_ROUNDS = 1_000;

/** A member of an index and its deadline in ms, or `'-'` if its session has ended. */
export type Finding = readonly [member: string, deadline: number | '-'];

/** Looks up sessions by their members in an index. */
export type LookUp = (key: string, members: readonly string[]) => Promise<Finding[]>;

/** A session for an index, and the time that it has left. */
export interface Added {
  readonly record: TouchedRecord;
  readonly ttl: number;
}

/**
 * The indexes of owners: each names an owner's sessions. An index is one key. The commands and
 * scripts that change it use only that key.
 */
export class OwnerIndex {
  readonly #server: Server;
  readonly #lookUp: LookUp;

  constructor(server: Server, lookUp: LookUp) {
    this.#server = server;
    this.#lookUp = lookUp;
  }

  /** Adds a session whose record is stored, or notes its new deadline. */
  async add(key: string, { record, ttl }: Added): Promise<void> {
    const args = [...entryOf(record, ttl), record.expiresAt - ttl, LOOKED_AT, Math.random()].map(String);
    this.#tidy(key, asTexts(await this.#server.run(INDEX, key, args)));
  }

  /** Adds a session whose record is stored, unless the owner already has `max` other sessions. */
  async admit(key: string, { record, ttl }: Added, limit: OwnerLimit): Promise<boolean> {
    const { now, max, replaces = '' } = limit;
    const alive = new Map<string, number | '-'>();
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const args = [...entryOf(record, ttl), now, max, replaces, max + BEYOND_LIMIT, ...[...alive].flat()];
      const [outcome, members] = asList(await this.#server.run(ADMIT, key, args.map(String)));
      if (asText(outcome) === 'full') return false;
      if (asText(outcome) === 'admitted') {
        this.#tidy(key, some(asTexts(members)));
        return true;
      }
      for (const [member, found] of alive) if (found === '-') alive.delete(member);
      for (const [member, found] of await this.#lookUp(key, asTexts(members))) alive.set(member, found);
    }
    throw unsettled();
  }

  /**
   * Selects the sessions that are too many, step by step. The sessions of each step must be ended
   * before the next step. `added` is added first.
   */
  async *trim(key: string, trim: OwnerTrim, added?: Added): AsyncGenerator<readonly string[]> {
    const { now, max, keep, ignore: replaced = '' } = trim;
    let entry: readonly string[] = added ? entryOf(added.record, added.ttl) : [];
    let found: readonly Finding[] = [];
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const [member = '', score = '', ttl = ''] = entry;
      const args = [now, max, keep, replaced, max + BEYOND_LIMIT, STEP, member, score, ttl, ...found.flat()];
      const [outcome, members, due] = asList(await this.#server.run(TRIM, key, args.map(String)));
      entry = [];
      if (asText(outcome) === 'unsure') {
        found = await this.#lookUp(key, asTexts(members));
        yield [];
        continue;
      }
      const picked = asTexts(members);
      yield picked;
      found = picked.map(asEnded);
      if (asText(outcome) === 'more') continue;
      // Nothing waits for this. If it fails, a later call meets the same members again.
      this.#settle(key, found).catch(ignore);
      this.#tidy(key, some(asTexts(due)));
      return;
    }
    throw unsettled();
  }

  /** All members, including those of ended sessions. */
  async members(key: string): Promise<string[]> {
    return asTexts(await this.#server.send(key, ['zrange', key, '0', '-1']));
  }

  /** Removes members whose sessions have ended. */
  async forget(key: string, members: readonly string[]): Promise<void> {
    await this.#settle(key, members.map(asEnded));
  }

  /** {@link forget}, then returns the first remaining members, and how many remain. */
  async page(
    key: string,
    ended: readonly string[],
    size: number,
  ): Promise<{ readonly members: string[]; readonly count: number }> {
    const args = [size, ...ended.flatMap(asEnded)];
    const [count, ...members] = asTexts(await this.#server.run(SETTLE, key, args.map(String)));
    return { members, count: asInteger(count) };
  }

  /**
   * Looks at members whose deadline was not moved for long, and notes the findings. Nothing waits
   * for this. If it fails, a later call meets the same members again.
   */
  #tidy(key: string, due: readonly string[]): void {
    if (due.length === 0) return;
    this.#lookUp(key, due)
      .then((findings) => this.#settle(key, findings))
      .catch(ignore);
  }

  async #settle(key: string, findings: readonly Finding[]): Promise<void> {
    for (const some of partsOf(findings)) await this.#server.run(SETTLE, key, ['0', ...some.flat().map(String)]);
  }
}

function unsettled(): Error {
  return new Error('the sessions of the account changed too often to be counted');
}

/** A random part of the members, as many as a login looks at. */
function some(members: readonly string[]): readonly string[] {
  const from = Math.floor(Math.random() * Math.max(0, members.length - LOOKED_AT + 1));
  return members.slice(from, from + LOOKED_AT);
}

function asEnded(member: string): Finding {
  return [member, '-'];
}

/**
 * The member, score and ttl of a record's entry in the index. The index lives longer than it must,
 * because clocks and networks are not exact.
 */
function entryOf(record: TouchedRecord, ttl: number): [string, string, string] {
  return [memberOf(record), String(Math.max(1, record.expiresAt)), String(Math.min(ttl + slackOf(ttl) + HOUR, NEVER))];
}

/** Begins with the time of creation, because the oldest sessions are evicted first. */
export function memberOf(record: { readonly id: string; readonly createdAt: number | string }): string {
  return `${record.createdAt}:${record.id}`;
}

export function idOfMember(member: string): string {
  return member.slice(member.indexOf(':') + 1);
}

/**
 * Until when the owner's index outlives the session if it is written now, by the library's clock.
 * Use moves the deadline, and a store does not know how far. So the index gets the same time
 * again. It is written again before a use moves the deadline beyond that.
 */
export function indexedUntil(record: { readonly expiresAt: number }, ttl: number): number {
  return Math.min(record.expiresAt + slackOf(ttl), NEVER);
}

function slackOf(ttl: number): number {
  return Math.max(ttl, HOUR);
}
