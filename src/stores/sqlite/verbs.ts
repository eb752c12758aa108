import type { LimitedInsert, OwnerLimit, SessionRecord, SessionStore, StoreSteps } from '../../core/store.js';
import { evicting, trimFor, whollyOrNot } from '../shared/insert.js';
import { encodeOwner, inOrderOf, type Row, readRecord, recordOf } from '../shared/sql-record.js';
import { STEP, verbsInSteps, yieldToOthers } from '../shared/steps.js';
import { COUNTED_AT_ONCE, type Statements, statementsOf } from './statements.js';

/** The values that the statements bind. */
export type SqliteValue = string | number | null;

/** Runs statements on a database. */
export interface SqliteRunner {
  read(sql: string, ...params: SqliteValue[]): Promise<readonly Row[]>;
  /** Each write is a transaction. It happens fully or not at all, and every later read sees it. */
  write(sql: string, ...params: SqliteValue[]): Promise<readonly Row[]>;
}

/**
 * A {@link SessionStore} with every verb except `subscribe`. SQLite does not report changes, so
 * rechecks end live sessions.
 */
export interface SqliteStore extends Required<Omit<SessionStore, 'atomic' | 'subscribe' | 'onWarning'>> {
  /** The verbs that walk through many sessions, in steps. */
  readonly steps: Required<StoreSteps>;
}

export function verbsOf(runner: SqliteRunner, table: string): SqliteStore {
  const sql = statementsOf(table);
  const steps = stepsOf(runner, sql);
  const verbs: Pick<SqliteStore, 'insert' | 'find' | 'findMany' | 'replace' | 'touch' | 'delete'> = {
    insert: (record) => insert(runner, sql, record),
    find: async (id) => readRecord(id, await runner.read(sql.find, id)),
    async findMany(ids) {
      return ids.length === 0 ? [] : inOrderOf(ids, await runner.read(sql.findMany, JSON.stringify(ids)));
    },
    async replace(record, expectedVersion) {
      const { id, version, expiresAt, body } = record;
      const rows = await runner.write(sql.replace, version, expiresAt, body, ownerOf(record), id, expectedVersion);
      return rows.length > 0 ? 'replaced' : whyNot(runner, sql, id);
    },
    async touch({ id, version, expiresAt }, expectedVersion) {
      const rows = await runner.write(sql.touch, version, expiresAt, id, expectedVersion);
      return rows.length > 0 ? 'replaced' : whyNot(runner, sql, id);
    },
    delete: async (id) => (await runner.write(sql.delete, id)).length > 0,
  };
  return { ...verbs, ...verbsInSteps(steps), steps };
}

function stepsOf(runner: SqliteRunner, sql: Statements): Required<StoreSteps> {
  return {
    insertWithin(record, _ttl, limit) {
      const steps =
        limit.onLimit === 'deny'
          ? once(() => insertBelow(runner, sql, record, limit))
          : insertAndEvict(runner, sql, this.trimOwner, record, limit);
      return whollyOrNot(steps, () => runner.write(sql.delete, record.id));
    },
    async *listByOwner(ownerId) {
      for (let place = Number.MIN_SAFE_INTEGER; ; ) {
        const rows = await runner.read(sql.listByOwner, encodeOwner(ownerId), place);
        yield rows.map(recordOf);
        if (rows.length < STEP) return;
        place = Number(rows.at(-1)?.['place']);
        await yieldToOthers();
      }
    },
    deleteByOwner: (ownerId, except) =>
      inSteps(async () => idsIn(await runner.write(sql.deleteByOwner, encodeOwner(ownerId), except ?? null))),
    trimOwner: (ownerId, { max, now, keep, ignore }) =>
      inSteps(async () =>
        idsIn(await runner.write(sql.trimOwner, encodeOwner(ownerId), now, ignore ?? null, max, keep, max)),
      ),
    sweep: (now) => counted(inSteps(() => runner.write(sql.sweep, now))),
    clear: () => counted(inSteps(() => runner.write(sql.clear))),
    async *count() {
      for (let last = ''; ; await yieldToOthers()) {
        const [row = {}] = await runner.read(sql.count, last);
        const count = Number(row['count']);
        yield count;
        if (count < COUNTED_AT_ONCE) return;
        last = String(row['last']);
      }
    },
  };
}

/** Runs one step after the other, until a step is not full. */
async function* inSteps<Item>(step: () => Promise<readonly Item[]>): AsyncGenerator<readonly Item[]> {
  for (;;) {
    const some = await step();
    yield some;
    if (some.length < STEP) return;
    await yieldToOthers();
  }
}

async function* once<Step>(step: () => Promise<Step>): AsyncGenerator<Step> {
  yield await step();
}

async function* counted(steps: AsyncIterable<readonly unknown[]>): AsyncGenerator<number> {
  for await (const { length } of steps) yield length;
}

async function insert(runner: SqliteRunner, sql: Statements, record: SessionRecord): Promise<'inserted' | 'exists'> {
  return (await runner.write(sql.insert, ...valuesOf(record))).length > 0 ? 'inserted' : 'exists';
}

async function insertBelow(
  runner: SqliteRunner,
  sql: Statements,
  record: SessionRecord,
  limit: OwnerLimit,
): Promise<LimitedInsert> {
  const { max, now, replaces = null } = limit;
  const [id, version, owner, ...others] = valuesOf(record);
  const params = [id, version, owner, ...others, owner, now, replaces, max, max, id, version];
  if ((await runner.write(sql.insertBelow, ...params)).length > 0) return { outcome: 'inserted', evicted: [] };
  const stored = await runner.read(sql.version, record.id);
  return { outcome: stored.length > 0 ? 'exists' : 'limit-reached', evicted: [] };
}

/**
 * Inserts, then evicts. The eviction sees the insert of every login that was answered before it.
 * So the last of several parallel logins leaves the limit.
 */
async function* insertAndEvict(
  runner: SqliteRunner,
  sql: Statements,
  trim: Required<StoreSteps>['trimOwner'],
  record: SessionRecord,
  limit: OwnerLimit,
): AsyncGenerator<LimitedInsert> {
  const outcome = await insert(runner, sql, record);
  if (record.ownerId === undefined || outcome === 'exists') yield { outcome, evicted: [] };
  else yield* evicting(trim(record.ownerId, trimFor(record.id, limit)));
}

/** The reason why a write did not find the version that it expected. */
async function whyNot(runner: SqliteRunner, sql: Statements, id: string): Promise<'gone' | 'conflict'> {
  return (await runner.read(sql.version, id)).length > 0 ? 'conflict' : 'gone';
}

type Values = [id: string, version: string, owner: string | null, createdAt: number, expiresAt: number, body: string];

function valuesOf(record: SessionRecord): Values {
  const { id, version, createdAt, expiresAt, body } = record;
  return [id, version, ownerOf(record), createdAt, expiresAt, body];
}

function ownerOf({ ownerId }: SessionRecord): string | null {
  return ownerId === undefined ? null : encodeOwner(ownerId);
}

function idsIn(rows: readonly Row[]): string[] {
  return rows.map((row) => String(row['id']));
}
