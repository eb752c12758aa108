import type pg from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SessionRecord } from '../../../src/index.js';
import { type PostgresStore, postgresStore } from '../../../src/stores/postgres/index.js';
import { NOW, record, rewritten } from '../support/records.js';
import { describePostgres, waitingFor } from './support/server.js';

describePostgres('interleavings in PostgreSQL', (postgres) => {
  let store: PostgresStore;
  /** Holds locks in open transactions, to make statements of the store wait. */
  let blocker: pg.Client;
  let observer: pg.Client;
  let given: SessionRecord;

  beforeAll(async () => {
    store = postgresStore(postgres.pool({ max: 20 }));
    await store.createTables();
    blocker = await postgres.client();
    observer = await postgres.client();
  });

  beforeEach(async () => {
    await store.clear();
    given = record({ ownerId: 'ada' });
    await store.insert(given, 1000);
  });

  // A failing test would leave its transaction to the next ones.
  afterEach(() => blocker.query('ROLLBACK'));

  /**
   * Starts `call` after `sql` has run uncommitted, and ends that transaction once the call waits
   * for it.
   */
  async function meeting<Result>(
    sql: string,
    end: 'COMMIT' | 'ROLLBACK',
    call: () => Promise<Result>,
    waiting = 1,
  ): Promise<Result> {
    await blocker.query('BEGIN');
    await blocker.query(sql);
    const answer = call();
    await waitingFor(waiting, observer);
    await blocker.query(end);
    return answer;
  }

  const change = (version: string) => `UPDATE token_sessions SET version = '${version}' WHERE id = '${given.id}'`;
  const removal = () => `DELETE FROM token_sessions WHERE id = '${given.id}'`;
  const lock = () => `SELECT FROM token_sessions WHERE id = '${given.id}' FOR UPDATE`;

  describe('invariant 3: replace', () => {
    const replace = () => store.replace(rewritten(given), given.version, 1000);

    test('that meets a change: conflict, never gone', async () => {
      expect(await meeting(change('theirs'), 'COMMIT', replace)).toBe('conflict');
      expect(await store.find(given.id)).toMatchObject({ version: 'theirs' });
    });

    test('that meets a change to its expected version: replaced, once', async () => {
      const next = rewritten(given);
      const [outcome, again] = await meeting(
        change('expected'),
        'COMMIT',
        () => Promise.all([store.replace(next, 'expected', 1000), store.replace(rewritten(given), 'expected', 1000)]),
        2,
      );
      expect([outcome, again].sort()).toEqual(['conflict', 'replaced']);
    });

    test('that meets a change that is rolled back: replaced', async () => {
      expect(await meeting(change('theirs'), 'ROLLBACK', replace)).toBe('replaced');
    });

    test('invariant 2: that meets a deletion: gone, and nothing is written', async () => {
      expect(await meeting(removal(), 'COMMIT', replace)).toBe('gone');
      expect(await store.count()).toBe(0);
    });

    test('that meets a deletion that is rolled back: replaced', async () => {
      expect(await meeting(removal(), 'ROLLBACK', replace)).toBe('replaced');
    });

    test('that meets eight others with the same version: one is replaced, and its record is stored', async () => {
      const all = Array.from({ length: 9 }, () => rewritten(given));
      const call = () => Promise.all(all.map((each) => store.replace(each, given.version, 1000)));
      const outcomes = await meeting(lock(), 'COMMIT', call, 9);
      expect(outcomes.filter((outcome) => outcome === 'conflict')).toHaveLength(8);
      expect(await store.find(given.id)).toStrictEqual(all[outcomes.indexOf('replaced')]);
    });
  });

  test('invariant 2: deletions and replacements that wait for each other leave the session gone', async () => {
    const call = () =>
      Promise.all([
        store.replace(rewritten(given), given.version, 1000),
        store.delete(given.id),
        store.delete(given.id),
        store.replace(rewritten(given), given.version, 1000),
      ]);
    const [first, deleted, deletedToo, second] = await meeting(lock(), 'COMMIT', call, 4);
    expect([deleted, deletedToo].sort()).toEqual([false, true]);
    expect([first, second].filter((outcome) => outcome === 'replaced').length).toBeLessThanOrEqual(1);
    expect(await store.find(given.id)).toBeNull();
  });

  test('an insertion that meets one of the same id is refused, or recognised as the same write', async () => {
    const fresh = record();
    const sql = `INSERT INTO token_sessions VALUES ('${fresh.id}', '${fresh.version}', NULL, ${NOW}, ${NOW}, '{}')`;
    expect(await meeting(sql, 'COMMIT', () => store.insert(fresh, 1000))).toBe('inserted');
    expect(await store.insert(rewritten(fresh), 1000)).toBe('exists');
    await store.delete(fresh.id);
    expect(await meeting(sql, 'ROLLBACK', () => store.insert(rewritten(fresh), 1000))).toBe('inserted');
  });

  test('invariant 5: deleteByOwner ends a session that is being changed', async () => {
    expect(await meeting(change('theirs'), 'COMMIT', () => store.deleteByOwner('ada'))).toEqual([given.id]);
  });

  test('invariant 5: a login that is not committed when deleteByOwner begins is answered after it', async () => {
    // The newcomer must evict the given session, whose lock is held: its insertion waits
    // uncommitted.
    const newcomer = record({ ownerId: 'ada' });
    await blocker.query('BEGIN');
    await blocker.query(lock());
    const order: string[] = [];
    const limit = { max: 1, onLimit: 'evict-oldest', now: NOW } as const;
    const login = store.insertWithin(newcomer, 1000, limit).then(() => order.push('login answered'));
    await waitingFor(1, observer);
    order.push('deleteByOwner called');
    const ending = store.deleteByOwner('ada');
    await waitingFor(2, observer);
    await blocker.query('COMMIT');
    await Promise.all([login, ending]);
    expect(order).toEqual(['deleteByOwner called', 'login answered']);
    expect(await store.find(given.id)).toBeNull();
  });

  test('invariant 5: deleteByOwner ends the concurrent logins that were answered before it was called', async () => {
    let survivors = 0;
    for (let round = 0; round < 100; round += 1) {
      const answered = new Set<string>();
      const login = async (): Promise<string> => {
        const newcomer = record({ ownerId: 'ada' });
        await store.insert(newcomer, 1000);
        answered.add(newcomer.id);
        return newcomer.id;
      };
      const logins = Array.from({ length: 6 }, login);
      await Promise.race(logins);
      const before = new Set(answered);
      const ended = new Set(await store.deleteByOwner('ada'));
      const ids = await Promise.all(logins);
      const left = new Set((await store.listByOwner('ada')).map((each) => each.id));
      for (const id of ids) expect(left.has(id)).toBe(!ended.has(id));
      for (const id of before) expect(left.has(id)).toBe(false);
      survivors += left.size;
    }
    // Both sides of the race occurred.
    expect(survivors).toBeGreaterThan(0);
  });

  test('64 logins at a limit of 3, over two pools, while sessions end, never leave more than 3', async () => {
    const other = postgresStore(postgres.pool());
    for (const onLimit of ['evict-oldest', 'deny'] as const) {
      for (let round = 0; round < 3; round += 1) {
        const calls = Array.from({ length: 64 }, () => record({ ownerId: `limit ${onLimit} ${round}` }));
        const answers = await Promise.all(
          calls.map(async (each, index) => {
            const answer = await (index % 2 ? store : other).insertWithin(each, 1000, { max: 3, onLimit, now: NOW });
            if (index % 10 === 0) await store.delete(each.id);
            return answer;
          }),
        );
        const inserted = answers.filter((answer) => answer.outcome === 'inserted').length;
        const left = (await store.listByOwner(`limit ${onLimit} ${round}`)).length;
        expect(left).toBeLessThanOrEqual(3);
        if (onLimit === 'evict-oldest') expect(inserted).toBe(64);
        else expect(inserted).toBeGreaterThanOrEqual(3);
      }
    }
  });

  test('a sweep leaves out sessions that others are writing, and renewed ones', async () => {
    const due = record({ expiresAt: NOW - 1 });
    await store.insert(due, 1);
    await blocker.query('BEGIN');
    await blocker.query(`UPDATE token_sessions SET expires_at = ${NOW + 5} WHERE id = '${due.id}'`);
    expect(await store.sweep(NOW)).toBe(0);
    await blocker.query('COMMIT');
    expect(await store.sweep(NOW)).toBe(0);
    expect(await store.sweep(NOW + 5)).toBe(1);
  });

  test('concurrent sweeps share the work', async () => {
    const due = Array.from({ length: 3000 }, () => record({ expiresAt: NOW }));
    await Promise.all(due.map((each) => store.insert(each, 1)));
    const swept = await Promise.all([store.sweep(NOW), store.sweep(NOW), store.sweep(NOW)]);
    expect(swept.reduce((sum, each) => sum + each, 0) + (await store.sweep(NOW))).toBe(3000);
    expect(await store.count()).toBe(1);
  });

  // There is a deadlock only if the server locks the rows in their order, which it need not.
  test('a statement that the server aborts to resolve a deadlock is retried', { retry: 3 }, async () => {
    const mine = Array.from({ length: 40 }, () => record({ ownerId: 'bob' }));
    for (const each of mine) await store.insert(each, 1000);
    const lockOf = (index: number) => `SELECT FROM token_sessions WHERE id = '${mine[index]?.id}' FOR UPDATE`;
    // A waiting statement looks for a deadlock once, after this time. Only the store's statement
    // does so here.
    const patient = postgresStore(postgres.pool({ options: '-c deadlock_timeout=300ms' }));
    await blocker.query("SET deadlock_timeout = '1min'");
    await blocker.query('BEGIN');
    await blocker.query(lockOf(39));
    const ending = patient.deleteByOwner('bob');
    await waitingFor(1, observer);
    await blocker.query(lockOf(0));
    await blocker.query('ROLLBACK');
    expect(await ending).toHaveLength(40);
    expect(postgres.server.log()).toContain('deadlock detected');
  });
});

describePostgres('where the default isolation is stricter', (postgres) => {
  test.each(['repeatable\\ read', 'serializable'])('%s: counts are exact', async (isolation) => {
    const store = postgresStore(postgres.pool({ options: `-c default_transaction_isolation=${isolation}` }));
    await store.createTables();
    const given = record();
    await store.insert(given, 1000);
    const bump = async (): Promise<void> => {
      const found = await store.find(given.id);
      if (!found) throw new Error('it is there');
      const next = rewritten(found, { body: String(Number(found.body === given.body ? 0 : found.body) + 1) });
      if ((await store.replace(next, found.version, 1000)) !== 'replaced') await bump();
    };
    await Promise.all(Array.from({ length: 20 }, bump));
    expect((await store.find(given.id))?.body).toBe('20');
  });
});
