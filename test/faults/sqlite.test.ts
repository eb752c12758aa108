import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { smallDisk } from '../support/services/small-disk.js';
import { BROKEN_BODIES } from './damage.js';
import { expectDamageNoticed, expectNothingWrong, faultTable } from './table.js';
import { moments, type Scene, STORE_TIMEOUT } from './under-load.js';

const LONG = 60_000;
const HOLDER = new URL('./hold-lock.ts', import.meta.url).pathname;

describe('invariant 6: faults of an SQLite file while four processes work on it', () => {
  let folder: string;
  let path: string;
  const table = faultTable('SQLite, synchronous FULL');
  const load = (name: string, fault: (scene: Scene) => Promise<void>) =>
    table.load(name, { kind: 'sqlite', path }, fault);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'token-sessions-faults-'));
    path = join(folder, 'sessions.db');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  afterAll(table.print);

  function integrity(): unknown {
    const database = new Libsql(path);
    const answer = database.prepare('PRAGMA integrity_check').all();
    database.close();
    return answer;
  }

  test('processes that are killed during their work lose no acknowledged write', { timeout: LONG }, async () => {
    const outcome = await load('SIGKILL of a process, 8 times', async ({ crew, over }) => {
      for (let time = 0; time < 8; time += 1) await crew.replace(time % 4);
      await over();
    });
    expectNothingWrong(outcome);
    expect(integrity()).toEqual([{ integrity_check: 'ok' }]);
  });

  test('while another process holds the write lock for 5 s, requests end in time', { timeout: LONG }, async () => {
    const outcome = await load('lock held by a process that is stopped for 5 s', async ({ over }) => {
      const holder = fork(HOLDER, [path], { execArgv: ['--import', 'tsx'] });
      await once(holder, 'message');
      holder.kill('SIGSTOP');
      await moments(5_000);
      holder.kill('SIGCONT');
      holder.send('let go');
      await Promise.all([over(), once(holder, 'exit')]);
    });
    expectNothingWrong(outcome);
    expect(outcome.codes['STORE_UNAVAILABLE']).toBeGreaterThan(0);
    // The promise is storeTimeout and 100 ms; the rest allows for a busy machine.
    expect(outcome.slowestFailure).toBeLessThan(STORE_TIMEOUT + 3_000);
  });

  test('requests fail while there is no room on the disk, and succeed afterwards', { timeout: LONG }, async ({
    skip,
  }) => {
    const disk = smallDisk(16) ?? skip('no file system of its own may be mounted here');
    path = join(disk.path, 'sessions.db');
    try {
      const outcome = await load('disk full for 1 s', async ({ crew, over }) => {
        // The write-ahead log must not continue in room that it already has.
        await crew.execute('PRAGMA wal_autocheckpoint = 20; PRAGMA journal_size_limit = 0');
        disk.fill();
        const filling = setInterval(disk.fill, 10);
        await moments(1_000);
        clearInterval(filling);
        disk.empty();
        await over();
      });
      expectNothingWrong(outcome);
      expect(outcome.codes['STORE_UNAVAILABLE']).toBeGreaterThan(0);
      expect(integrity()).toEqual([{ integrity_check: 'ok' }]);
    } finally {
      disk.release();
    }
  });

  test('connections that may no longer write cause outages', { timeout: LONG }, async () => {
    const outcome = await load('query_only for 1 s', async ({ crew, over }) => {
      await crew.execute('PRAGMA query_only = 1');
      await moments(1_000);
      await crew.execute('PRAGMA query_only = 0');
      await over();
    });
    expectNothingWrong(outcome);
    expect(outcome.codes['STORE_UNAVAILABLE']).toBeGreaterThan(0);
  });

  test('the file can be taken away and put back', { timeout: LONG }, async () => {
    const outcome = await load('file away for 1.5 s', async ({ over }) => {
      renameSync(path, `${path}-aside`);
      await moments(1_500);
      renameSync(`${path}-aside`, path);
      await over();
    });
    expectNothingWrong(outcome);
    // SQLite continues with the file that it has open.
    expect(outcome.codes).toEqual({});
  });

  test.each<[string, (garbage: Buffer) => void]>([
    ['overwritten', (garbage) => writeFileSync(path, garbage)],
    [
      'replaced',
      (garbage) => {
        writeFileSync(`${path}-other`, garbage);
        renameSync(`${path}-other`, path);
      },
    ],
  ])('no request is served as logged out if the file is %s by garbage', { timeout: LONG }, async (how, corrupt) => {
    const outcome = await load(`file ${how} by garbage`, async ({ ids, damaged }) => {
      corrupt(Buffer.alloc(200_000, 'garbage'));
      for (const id of ids) damaged(id);
      await moments(1_000);
    });
    // Its sessions are gone, but no request is served as logged out.
    const { wrongAnswers, unhandled, refused, servedAnonymous, codes } = outcome;
    expect({ wrongAnswers, unhandled, refused, servedAnonymous }).toEqual({
      wrongAnswers: 0,
      unhandled: [],
      refused: 0,
      servedAnonymous: 0,
    });
    // A replaced file is still open, and an overwritten one has an intact write-ahead log: both
    // may serve requests.
    expect(Object.keys(codes).filter((code) => code !== 'STORE_UNAVAILABLE')).toEqual([]);
  });

  test('damaged records are refused or served as anonymous', { timeout: LONG }, async () => {
    const damages = [
      ...Object.values(BROKEN_BODIES).map(
        (broken) => (body: string) => `body = '${broken(body).replaceAll("'", "''")}'`,
      ),
      () => "expires_at = 'soon'",
      () => 'created_at = 1.5',
      () => "body = x'00ff'",
      () => "version = ''",
    ];
    const outcome = await load('records damaged', async ({ ids, damaged, over }) => {
      const database = new Libsql(path);
      database.exec('PRAGMA busy_timeout = 5000');
      for (const [index, damage] of damages.entries()) {
        const id = ids[index] ?? '';
        const [{ body }] = z
          .tuple([z.object({ body: z.string() })])
          .parse(database.prepare('SELECT body FROM token_sessions WHERE id = ?').all(id));
        damaged(id);
        database.exec(`UPDATE token_sessions SET version = 'by-hand', ${damage(body)} WHERE id = '${id}'`);
        await moments(20);
      }
      database.close();
      await moments(300);
      await over();
    });
    expectDamageNoticed(outcome);
  });
});
