import tokenSession from 'express-token-session';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import tokenSessionRedis from 'token-session-redis';
import { memoryStore, type SessionStore } from 'token-sessions';
import type { CallbackStore } from 'token-sessions/express-store';
import { redisStore } from 'token-sessions/redis';
import { expect, test } from 'vitest';
import { runMigration } from '../../examples/express-migration/run.js';
import { describeWithRedis, startRedis } from '../support/services/redis.js';

async function run(oldStore: CallbackStore, store: SessionStore) {
  const printed: string[] = [];
  const asExpected = await runMigration(oldStore, store, (line) => printed.push(line));
  return { asExpected, printed, checks: printed.filter((line) => line.includes('✓')).length };
}

test('express-migration: all users stay logged in', async () => {
  const { asExpected, printed, checks } = await run(new tokenSession.MemoryStore(), memoryStore());
  expect(asExpected, printed.join('\n')).toBe(true);
  expect(checks).toBe(12);
});

test('express-migration: a store that loses the sessions fails the example', async () => {
  const store = new tokenSession.MemoryStore();
  store.set = (_sid, _session, callback) => void callback?.();
  const { asExpected, printed } = await run(store, memoryStore());
  expect(asExpected).toBe(false);
  expect(printed.at(-1)).toContain('failed');
});

describeWithRedis('express-migration on Redis', () => {
  test('from token-session-redis to redisStore', async () => {
    const server = await startRedis();
    const old = new Redis(server.url);
    const client = await createClient({ url: server.url }).connect();
    const OldStore = tokenSessionRedis(tokenSession);
    const { asExpected, printed } = await run(new OldStore({ client: old }), redisStore(client));
    old.disconnect();
    client.destroy();
    await server.stop();
    expect(asExpected, printed.join('\n')).toBe(true);
  });
});
