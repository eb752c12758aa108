import { NEVER } from '../../core/record/deadline.js';
import type { OwnerLimit, SessionRecord } from '../../core/store.js';
import { ignore } from './clients/driver.js';
import { asList, asText, asTexts } from './replies.js';
import { ADMIT, INDEX, SETTLE } from './scripts.js';
import type { Server } from './server.js';

const HOUR = 3_600_000;
/** Arguments of one script at most: each takes room on the server's stack. */
const PAIRS = 1_000;
/** How many members whose deadline has passed are looked at by each login. */
const LOOKED_AT = 16;
/** Each round has looked at all the members that the one before had not; logins that come faster than that for as long are none. */
const MOST_ROUNDS = 20;

/** A member of an index and what was found of it: its deadline in ms, or `'-'` where the session has ended. */
export type Finding = readonly [member: string, deadline: number | '-'];

/** Looks sessions up, by their members in an index. */
export type LookUp = (members: readonly string[]) => Promise<Finding[]>;

/** `'full'`, or the members that have to be ended before the new one may be handed out. */
export type Admission = 'full' | { readonly toEnd: readonly string[] };

/** The indexes of owners: which sessions they have. Each is one key, changed by commands and scripts of that key alone. */
export class OwnerIndex {
  readonly #server: Server;
  readonly #lookUp: LookUp;

  constructor(server: Server, lookUp: LookUp) {
    this.#server = server;
    this.#lookUp = lookUp;
  }

  /** Adds a session whose record is stored, or notes its new deadline. */
  async add(key: string, record: SessionRecord, ttl: number): Promise<void> {
    const args = [...entryOf(record, ttl), record.expiresAt - ttl, LOOKED_AT, Math.random()].map(String);
    this.#tidy(key, asTexts(await this.#server.run(INDEX, key, args)));
  }

  /** Adds a session whose record is stored, within a limit. */
  async admit(key: string, record: SessionRecord, ttl: number, limit: OwnerLimit): Promise<Admission> {
    const found: Finding[] = [];
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const args = [...entryOf(record, ttl), String(limit.now), String(limit.max), limit.onLimit, ...found.flat().map(String)];
      const [outcome, members, due] = asList(await this.#server.run(ADMIT, key, args));
      if (asText(outcome) === 'full') return 'full';
      if (asText(outcome) === 'admitted') {
        this.#tidy(key, some(asTexts(due)));
        return { toEnd: asTexts(members) };
      }
      found.push(...(await this.#lookUp(asTexts(members))));
    }
    throw new Error('the sessions of the account did not stand still long enough to be counted');
  }

  /** All members, those of ended sessions included. */
  async members(key: string): Promise<string[]> {
    return asTexts(await this.#server.run(SETTLE, key, ['list']));
  }

  /** Takes members out whose sessions have ended. */
  async forget(key: string, members: readonly string[]): Promise<void> {
    await this.#settle(key, members.map(asEnded));
  }

  /** {@link forget}, and the members that are left. */
  async remaining(key: string, ended: readonly string[]): Promise<string[]> {
    await this.forget(key, ended.slice(PAIRS));
    return asTexts(await this.#server.run(SETTLE, key, ['list', ...ended.slice(0, PAIRS).flatMap(asEnded)].map(String)));
  }

  /** Looks at members whose deadline was not moved for long, and notes what is found. Nobody waits for it: what fails is met again. */
  #tidy(key: string, due: readonly string[]): void {
    if (due.length === 0) return;
    this.#lookUp(due)
      .then((findings) => this.#settle(key, findings))
      .catch(ignore);
  }

  async #settle(key: string, findings: readonly Finding[]): Promise<void> {
    for (let from = 0; from < findings.length; from += PAIRS) {
      const args = findings
        .slice(from, from + PAIRS)
        .flat()
        .map(String);
      await this.#server.run(SETTLE, key, ['', ...args]);
    }
  }
}

/** As many as a login looks at, by chance. */
function some(members: readonly string[]): readonly string[] {
  const from = Math.floor(Math.random() * Math.max(0, members.length - LOOKED_AT + 1));
  return members.slice(from, from + LOOKED_AT);
}

function asEnded(member: string): Finding {
  return [member, '-'];
}

/** The member, score and ttl of the index for a record. The index lives longer than it promises: clocks and networks are not exact. */
function entryOf(record: SessionRecord, ttl: number): [string, string, string] {
  return [memberOf(record), String(Math.max(1, record.expiresAt)), String(Math.min(ttl + slackOf(ttl) + HOUR, NEVER))];
}

/** Begins with the creation, by which the oldest are evicted. */
export function memberOf(record: { readonly id: string; readonly createdAt: number | string }): string {
  return `${record.createdAt}:${record.id}`;
}

export function idOfMember(member: string): string {
  return member.slice(member.indexOf(':') + 1);
}

/**
 * Until when an index that was written now outlives the session, by the library's clock. Uses move the deadline, and a store does not know how
 * far they may: so the index is given as long again, and is written again before a use moves the deadline beyond that.
 */
export function indexedUntil(record: SessionRecord, ttl: number): number {
  return Math.min(record.expiresAt + slackOf(ttl), NEVER);
}

function slackOf(ttl: number): number {
  return Math.max(ttl, HOUR);
}
