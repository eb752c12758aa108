import type { LimitedInsert, OwnerLimit, SessionRecord, SessionStore, StoreSteps } from '../../core/store.js';
import { evicting, trimFor, whollyOrNot } from '../shared/insert.js';
import { encodeOwner, inOrderOf, type Row, readRecord, recordOf } from '../shared/sql-record.js';
import { partsOf, STEP, verbsInSteps } from '../shared/steps.js';
import type { Params, Runner } from './runner.js';
import { COUNTED_AT_ONCE, MEMBERS_AT_ONCE, PROVISIONAL, type Statements } from './statements.js';

/** The verbs of the store contract, except `subscribe`. */
export interface Verbs extends Required<Omit<SessionStore, 'atomic' | 'subscribe' | 'onWarning'>> {
  readonly steps: Required<StoreSteps>;
}

/** Less than every id. */
const FIRST = '00000000-0000-0000-0000-000000000000';

/** Where the verbs run their statements, and where they report ended sessions. */
export interface Sessions {
  readonly runner: Runner;
  /** The statements for the table by its current name. */
  statements(): Statements;
  ended(ids: readonly string[]): void;
}

export function verbsOf(sessions: Sessions): Verbs {
  const run = (verb: keyof Statements, ...params: Params) => sessions.runner.run(sessions.statements()[verb], params);
  const steps = stepsOf(sessions, run);
  const verbs: Pick<Verbs, 'insert' | 'find' | 'findMany' | 'replace' | 'touch' | 'delete'> = {
    insert: (record) => insert(run, record),
    find: (id) => run('find', id).then((rows) => readRecord(id, rows)),
    async findMany(ids) {
      return ids.length === 0 ? [] : inOrderOf(ids, await run('findMany', ids.join(',')));
    },
    async replace(record, expectedVersion) {
      const { id, version, expiresAt, body } = record;
      return outcomeOf(
        await run('replace', id, expectedVersion, version, String(expiresAt), body, ownerOf(record)),
        expectedVersion,
      );
    },
    async touch({ id, version, expiresAt }, expectedVersion) {
      return outcomeOf(await run('touch', id, expectedVersion, version, String(expiresAt)), expectedVersion);
    },
    async delete(id) {
      const existed = (await run('delete', id)).length > 0;
      if (existed) sessions.ended([id]);
      return existed;
    },
  };
  return { ...verbs, ...verbsInSteps(steps), steps };
}

type Run = (verb: keyof Statements, ...params: Params) => Promise<readonly Row[]>;
type Trim = Required<StoreSteps>['trimOwner'];

type TableVerb = 'sweep' | 'count' | 'clear';

function stepsOf({ ended }: Sessions, run: Run): Required<StoreSteps> {
  return { ...ownerSteps(ended, run), ...tableSteps(ended, run) };
}

/** The steps through the sessions of one owner. */
function ownerSteps(ended: Sessions['ended'], run: Run): Omit<Required<StoreSteps>, TableVerb> {
  async function* deleteMany(found: readonly Member[]): AsyncGenerator<string[]> {
    for (const some of partsOf(found)) {
      const [row = {}] = await run('deleteMany', some.map(({ id }) => id).join(','));
      yield report(row, ended);
    }
  }
  return {
    insertWithin(record, _ttl, limit) {
      return whollyOrNot(insertWithin(run, this.trimOwner, record, limit), () => run('delete', record.id));
    },
    async *listByOwner(ownerId) {
      const owner = encodeOwner(ownerId);
      const first = (await run('listByOwner', owner)).map(recordOf);
      if (first.length <= STEP) return yield first;
      const ids = (await members(run, owner, EVER, undefined, Number.MAX_SAFE_INTEGER)).map(({ id }) => id);
      for (const some of partsOf(ids)) yield (await run('findMany', some.join(','))).map(recordOf);
    },
    async *deleteByOwner(ownerId, except) {
      const owner = encodeOwner(ownerId);
      for (;;) {
        const [row = {}] = await run('deleteByOwner', owner, except ?? null);
        yield report(row, ended);
        if (numberIn(row, 'seen') < STEP) return;
        yield* deleteMany(await members(run, owner, EVER, except, MEMBERS_AT_ONCE));
      }
    },
    async *trimOwner(ownerId, { max, now, keep, ignore }) {
      const owner = encodeOwner(ownerId);
      const time = Math.floor(now);
      for (;;) {
        const [row = {}] = await run('trimOwner', owner, String(time), ignore ?? null, String(max), keep);
        yield report(row, ended);
        if (numberIn(row, 'seen') < max + STEP) return;
        // First down to a few more than the limit. A statement that sees all of those then ends
        // the last ones.
        const found = (await members(run, owner, time, ignore, max + MEMBERS_AT_ONCE)).sort(byAge);
        const others = found.filter(({ id }) => id !== keep);
        yield* deleteMany(others.slice(0, Math.max(0, found.length - max - STEP)));
      }
    },
  };
}

/** The steps through the whole table. */
function tableSteps(ended: Sessions['ended'], run: Run): Pick<Required<StoreSteps>, TableVerb> {
  return {
    async *sweep(now) {
      for (let seen = STEP; seen === STEP; ) {
        const [row = {}] = await run('sweep', String(Math.floor(now)));
        seen = numberIn(row, 'seen');
        yield numberIn(row, 'count');
      }
    },
    async *count() {
      for (let [last, count] = [FIRST, COUNTED_AT_ONCE]; count === COUNTED_AT_ONCE; ) {
        const [row = {}] = await run('count', last);
        count = numberIn(row, 'count');
        last = String(row['last']);
        yield count;
      }
    },
    async *clear() {
      for (let [last, seen] = [FIRST, STEP]; seen === STEP; ) {
        const [row = {}] = await run('clear', last);
        seen = numberIn(row, 'seen');
        last = String(row['last']);
        yield report(row, ended).length;
      }
    },
  };
}

/** One of an owner's sessions. */
interface Member {
  readonly id: string;
  readonly createdAt: number;
}

/** Earlier than every deadline. */
const EVER = Number.MIN_SAFE_INTEGER;

/** At most `most` sessions of an owner that count at the time `now`, without the one excepted. */
async function members(
  run: Run,
  owner: string,
  now: number,
  except: string | undefined,
  most: number,
): Promise<Member[]> {
  const [row = {}] = await run('membersByOwner', owner, String(now), except ?? null, String(most));
  const list = row['members'];
  if (typeof list !== 'string') return [];
  return list.split(',').map((member) => {
    const space = member.indexOf(' ');
    return { id: member.slice(space + 1), createdAt: Number(member.slice(0, space)) };
  });
}

function byAge(a: Member, b: Member): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);
}

async function insert(run: Run, record: SessionRecord): Promise<'inserted' | 'exists'> {
  const { id, version, createdAt, expiresAt, body } = record;
  const rows = await run('insert', id, version, ownerOf(record), String(createdAt), String(expiresAt), body);
  return rows.length > 0 ? 'inserted' : 'exists';
}

/**
 * Inserts the record first. Then the sessions over the limit end, or the record itself. In any
 * race, each statement sees the inserts that were answered before it.
 */
async function* insertWithin(
  run: Run,
  trim: Trim,
  record: SessionRecord,
  limit: OwnerLimit,
): AsyncGenerator<LimitedInsert> {
  const { ownerId, id } = record;
  const denies = limit.onLimit === 'deny';
  const expiresAt = denies ? Math.min(record.expiresAt, Math.floor(limit.now) + PROVISIONAL) : record.expiresAt;
  const outcome = await insert(run, ownerId === undefined ? record : { ...record, expiresAt });
  if (ownerId === undefined || outcome === 'exists') return yield { outcome, evicted: [] };
  if (!denies) return yield* evicting(trim(ownerId, trimFor(id, limit)));
  const { max, now, replaces = null } = limit;
  const others = [encodeOwner(ownerId), String(Math.floor(now)), replaces, String(max)];
  const [row = {}] = await run('confirm', ...others, id, String(record.expiresAt), record.version);
  yield { outcome: numberIn(row, 'admitted') > 0 ? 'inserted' : 'limit-reached', evicted: [] };
}

function outcomeOf([found]: readonly Row[], expectedVersion: string): 'replaced' | 'gone' | 'conflict' {
  if (!found) return 'gone';
  return found['version'] === expectedVersion ? 'replaced' : 'conflict';
}

/** The ids that a step has ended. It also reports them. */
function report(row: Row, ended: Sessions['ended']): string[] {
  const list = row['ids'];
  const ids = typeof list === 'string' ? list.split(',') : [];
  ended(ids);
  return ids;
}

/** @throws if the client has changed the form of the answer, because guessing would be unsafe */
function numberIn(row: Row, column: string): number {
  const value = row[column];
  const number =
    typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new Error(`the client returned no number for the column ${column}`);
}

function ownerOf({ ownerId }: SessionRecord): string | null {
  return ownerId === undefined ? null : encodeOwner(ownerId);
}
