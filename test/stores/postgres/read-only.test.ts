import { expect, test } from 'vitest';
import { createSessions } from '../../../src/index.js';
import { postgresStore } from '../../../src/stores/postgres/index.js';
import { testClock } from '../../support/clock.js';
import { describePostgres } from './support/server.js';

describePostgres('a primary that was demoted while the connection lives on', (postgres) => {
  async function setUp() {
    const client = await postgres.client();
    const store = postgresStore(client, { subscriber: false });
    await store.createTables();
    const clock = testClock();
    const sessions = createSessions<{ user: string }>({ store, now: clock.now, idleTimeout: '10m' });
    const { token } = await sessions.create({ user: 'ada' });
    const become = (kind: 'standby' | 'primary') =>
      client.query(`SET default_transaction_read_only = ${kind === 'standby' ? 'on' : 'off'}`);
    return { clock, sessions, token, become };
  }

  test('invariant 6: after a refused write, reads are refused too, until the server takes writes', async () => {
    const { sessions, token, become } = await setUp();
    await become('standby');
    const refused = { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('connect to the primary') };
    await expect(sessions.create({ user: 'ben' })).rejects.toMatchObject(refused);
    await expect(sessions.fromToken(token)).rejects.toMatchObject(refused);
    await become('primary');
    expect((await sessions.fromToken(token)).session?.data).toEqual({ user: 'ada' });
  });

  test('rule 5: a request whose activity cannot be written is not served from old data', async () => {
    const { clock, sessions, token, become } = await setUp();
    await become('standby');
    clock.advance(120_000);
    for (let requests = 0; requests < 2; requests += 1)
      await expect(sessions.fromToken(token)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await become('primary');
    expect((await sessions.fromToken(token)).session?.data).toEqual({ user: 'ada' });
  });
});
