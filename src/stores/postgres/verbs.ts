import { createHash } from 'node:crypto';
import type { LimitedInsert, OwnerLimit, SessionRecord, SessionStore } from '../../core/store.js';
import { encodeOwner, inOrderOf, type Row, readRecord, recordOf } from '../shared/sql-record.js';
import type { Runner } from './client.js';
import type { Names } from './names.js';
import { insertWithinScript, SWEEP_BATCH, statementsOf } from './statements.js';

/** The verbs of the store contract, all but `subscribe`. */
export type Verbs = Required<Omit<SessionStore, 'atomic' | 'subscribe' | 'touch' | 'trimOwner' | 'steps' | 'onWarning'>>;

export function verbsOf(runner: Runner, names: Names): Verbs {
  const sql = statementsOf(names);
  return {
    async insert(record) {
      const { id, version, createdAt, expiresAt, body } = record;
      const rows = await runner.run(sql.insert, [id, version, ownerOf(record), String(createdAt), String(expiresAt), body]);
      return rows.length > 0 ? 'inserted' : 'exists';
    },
    insertWithin: (record, _ttl, limit) => insertWithin(runner, names, record, limit),
    find: async (id) => readRecord(await runner.run(sql.find, [id])),
    async findMany(ids) {
      return ids.length === 0 ? [] : inOrderOf(ids, await runner.run(sql.findMany, [ids.join(',')]));
    },
    async replace(record, expectedVersion) {
      const { id, version, expiresAt, body } = record;
      const [found] = await runner.run(sql.replace, [id, expectedVersion, version, String(expiresAt), body, ownerOf(record)]);
      if (!found) return 'gone';
      return found['version'] === expectedVersion ? 'replaced' : 'conflict';
    },
    delete: async (id) => (await runner.run(sql.delete, [id])).length > 0,
    listByOwner: async (ownerId) => (await runner.run(sql.listByOwner, [encodeOwner(ownerId)])).map(recordOf),
    async deleteByOwner(ownerId, except) {
      const rows = await runner.run(sql.deleteByOwner, [encodeOwner(ownerId), except ?? null]);
      return rows.flatMap((row) => idsIn(row['ids']));
    },
    sweep: (now) => sweep(runner, sql.sweep, now),
    count: async () => countIn(await runner.run(sql.count)),
    clear: async () => void (await runner.run(sql.clear)),
  };
}

async function insertWithin(runner: Runner, names: Names, record: SessionRecord, limit: OwnerLimit): Promise<LimitedInsert> {
  const lock = createHash('sha256').update(`${names.channel}\n${record.ownerId}`).digest().readBigInt64BE();
  const [row = {}] = await runner.runScript(insertWithinScript(names, record, limit, lock));
  const evicted = idsIn(row['evicted']);
  if (row['inserted'] === true || row['same'] === true) return { outcome: 'inserted', evicted };
  return { outcome: row['same'] === false || limit.onLimit === 'evict-oldest' ? 'exists' : 'limit-reached', evicted };
}

async function sweep(runner: Runner, statement: string, now: number): Promise<number> {
  for (let total = 0; ; ) {
    const count = countIn(await runner.run(statement, [String(Math.floor(now))]));
    total += count;
    if (count < SWEEP_BATCH) return total;
  }
}

function ownerOf({ ownerId }: SessionRecord): string | null {
  return ownerId === undefined ? null : encodeOwner(ownerId);
}

function idsIn(list: unknown): string[] {
  return typeof list === 'string' ? list.split(',') : [];
}

function countIn([row]: readonly Row[]): number {
  return Number(row?.['count']);
}
