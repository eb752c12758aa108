import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { memoryStore, type SessionStore } from 'token-sessions';
import { expect, test } from 'vitest';
import { runDemo } from '../../examples/demo/run.js';
import { STEPS } from '../../examples/demo/steps.js';
import { ROOT } from '../../scripts/packed.js';
import { skipPostgres, startPostgres } from '../support/services/postgres.js';
import { describeWithRedis, startRedis } from '../support/services/redis.js';

const run = promisify(execFile);

/** A store that is there again after a restart. */
function kept(store: SessionStore) {
  return async () => ({ name: 'memory', store, close: async () => {} });
}

test('npm run demo goes through all steps and exits 0', { timeout: 60_000 }, async () => {
  const { stdout } = await run('npm', ['run', '--silent', 'demo'], { cwd: ROOT });
  for (const [title] of STEPS) expect(stdout).toContain(title);
  expect(stdout).toContain(`All ${STEPS.length} steps were as expected.`);
  expect(stdout).not.toContain('✗');
  // No whole token: neither that of the header nor that of an answer.
  expect(stdout).not.toMatch(/ts_[0-9a-f]{8}-/);
});

test('the demo fails where a save revives a session that was ended', async () => {
  const store = memoryStore();
  const { replace } = store;
  store.replace = async (record, expectedVersion, ttl) => {
    const outcome = await replace.call(store, record, expectedVersion, ttl);
    if (outcome !== 'gone') return outcome;
    await store.insert(record, ttl);
    return 'replaced';
  };
  const lines: string[] = [];
  expect(await runDemo(kept(store), (line) => lines.push(line))).toBe(false);
  expect(lines.join('\n')).toMatch(/8\. A logout.*✗ the save found that the session had ended/s);
});

test('the demo fails where a store loses sessions', async () => {
  const store = memoryStore();
  store.find = async () => null;
  const lines: string[] = [];
  expect(await runDemo(kept(store), (line) => lines.push(line))).toBe(false);
  expect(lines.at(-1)).toContain('The demo failed');
});

describeWithRedis('the same demo on other stores', () => {
  test('REDIS_URL moves it to Redis, nothing else changed', { timeout: 60_000 }, async () => {
    const server = await startRedis();
    try {
      const { stdout } = await run('npm', ['run', '--silent', 'demo'], {
        cwd: ROOT,
        env: { ...process.env, REDIS_URL: server.url },
      });
      expect(stdout).toContain('in Redis');
      expect(stdout).toContain(`All ${STEPS.length} steps were as expected.`);
    } finally {
      await server.stop();
    }
  });
});

test.skipIf(skipPostgres('the demo on PostgreSQL'))(
  'DATABASE_URL moves it to PostgreSQL',
  { timeout: 60_000 },
  async () => {
    const server = await startPostgres();
    const { user, host, port, database } = server.config;
    try {
      const env = { ...process.env, DATABASE_URL: `postgres://${user}@${host}:${port}/${database}` };
      const { stdout } = await run('npm', ['run', '--silent', 'demo'], { cwd: ROOT, env });
      expect(stdout).toContain('in PostgreSQL');
      expect(stdout).toContain(`All ${STEPS.length} steps were as expected.`);
    } finally {
      await server.stop();
    }
  },
);
