import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Break, type BreakingProxy, startBreakingProxy } from '../support/services/breaking-proxy.js';
import {
  giveToPostgres,
  type PostgresServer,
  skipPostgres,
  skipStandby,
  startPostgres,
  startStandby,
} from '../support/services/postgres.js';
import { smallDisk } from '../support/services/small-disk.js';
import { BROKEN_BODIES } from './damage.js';
import { expectDamageNoticed, expectNothingWrong, expectNoWrongAnswers, faultTable } from './table.js';
import { moments } from './under-load.js';

const LONG = 90_000;

describe.skipIf(skipPostgres('faults of PostgreSQL, the network and the records'))(
  'invariant 6: faults around PostgreSQL while four processes work',
  () => {
    let server: PostgresServer;
    let proxy: BreakingProxy;
    const table = faultTable('PostgreSQL, the network, the disk and the records');
    const throughProxy = () => ({ kind: 'postgres', config: { ...server.config, port: proxy.port } }) as const;
    const connected = async <Result>(
      use: (client: pg.Client) => Promise<Result>,
      config = server.config,
    ): Promise<Result> => {
      const client = new pg.Client(config);
      await client.connect();
      return use(client).finally(() => client.end());
    };

    beforeEach(async () => {
      server = await startPostgres();
      proxy = await startBreakingProxy(server.config);
    }, LONG);
    afterEach(async () => {
      await proxy.close();
      await server.stop();
    });
    afterAll(table.print);

    test.each<[Break, string]>([
      ['cut', 'connection reset in mid-answer, 30 times'],
      ['eaten', 'answer lost after the commit, 30 times'],
    ])('no acknowledged write is lost if answers are %s', { timeout: LONG }, async (how, name) => {
      const outcome = await table.load(name, throughProxy(), async ({ over }) => {
        await proxy.breakAnswers(how, 'token_sessions_replace', 30);
        await over();
      });
      expectNothingWrong(outcome);
    });

    test('damaged records are refused or served as anonymous', { timeout: LONG }, async () => {
      const damages = [
        ...Object.values(BROKEN_BODIES).map(
          (broken) => (body: string) => ["version = 'by-hand', body = $2", broken(body)] as const,
        ),
        () => ['version = $2', ''] as const,
        () => ["version = 'by-hand', expires_at = $2", '9223372036854775807'] as const,
        () => ["version = 'by-hand', created_at = $2", '-9223372036854775808'] as const,
      ];
      const outcome = await table.load(
        'records damaged',
        { kind: 'postgres', config: server.config },
        ({ ids, damaged, over }) =>
          connected(async (client) => {
            for (const [index, damage] of damages.entries()) {
              const id = ids[index] ?? '';
              const { rows } = await client.query<{ body: string }>('SELECT body FROM token_sessions WHERE id = $1', [
                id,
              ]);
              const [assignments, value] = damage(rows[0]?.body ?? '');
              damaged(id);
              await client.query(`UPDATE token_sessions SET ${assignments} WHERE id = $1`, [id, value]);
              await moments(20);
            }
            await moments(300);
            await over();
          }),
      );
      expectDamageNoticed(outcome);
    });

    test('requests fail while there is no room for the table, and succeed afterwards', { timeout: LONG }, async ({
      skip,
    }) => {
      const disk = smallDisk(16) ?? skip('no file system of its own may be mounted here');
      const folder = join(disk.path, 'tables');
      mkdirSync(folder);
      giveToPostgres(folder);
      try {
        await connected(async (client) => {
          await client.query(`CREATE TABLESPACE small LOCATION '${folder}'`);
          await client.query("ALTER SYSTEM SET default_tablespace = 'small'");
          await client.query('SELECT pg_reload_conf()');
        });
        const outcome = await table.load(
          'disk full for 1.5 s',
          { kind: 'postgres', config: server.config },
          ({ over }) =>
            connected(async (reader) => {
              // A reader of an old state stops the server from reusing the room of old versions.
              await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
              await reader.query('SELECT count(*) FROM token_sessions');
              disk.fill();
              await moments(1_500);
              disk.empty();
              await reader.query('COMMIT');
              await over();
            }),
        );
        expectNothingWrong(outcome);
        expect(outcome.codes['STORE_UNAVAILABLE']).toBeGreaterThan(0);
      } finally {
        await server.kill();
        disk.release();
      }
    });

    test.skipIf(skipStandby('fail-over of PostgreSQL'))(
      'when a primary dies, its standby takes over without the writes it had not received',
      { timeout: LONG },
      async () => {
        const standby = await startStandby(server);
        try {
          const outcome = await table.load(
            'fail-over to an asynchronous standby',
            throughProxy(),
            async ({ over }) => {
              await server.kill();
              await connected((client) => client.query('SELECT pg_promote()'), standby.config);
              proxy.turnTo(standby.config.port);
              await over();
            },
          );
          expectNoWrongAnswers(outcome);
          expect(outcome.codes['STORE_UNAVAILABLE']).toBeGreaterThan(0);
          // Writes that had not reached the standby are lost, and the table shows how many.
          expect(outcome.lostWrites).toBeLessThan(outcome.served / 2);
        } finally {
          await standby.stop();
        }
      },
    );
  },
);
