import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

test('npm start serves both, with GraphiQL, and says how to log in', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'demo-'));
  const server = spawn(process.execPath, ['--import', 'tsx', 'examples/demo/start.ts'], {
    cwd: ROOT,
    env: { ...process.env, PORT: '0', DEMO_FILE: join(directory, 'demo.db') },
  });
  try {
    const [printed] = await once(server.stdout.setEncoding('utf8'), 'data');
    const [graphql = '', trpc = ''] = String(printed).match(/http:\/\/localhost:\d+\/\w+/g) ?? [];
    const page = await fetch(graphql, { headers: { accept: 'text/html' } });
    expect(await page.text()).toContain('<title>token-sessions</title>');
    const body = JSON.stringify({ name: 'ada', password: 'lovelace' });
    const login = await fetch(`${trpc}/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const { result } = await login.json();
    const me = await fetch(`${trpc}/me`, { headers: { authorization: `Bearer ${result.data.token}` } });
    expect(await me.json()).toMatchObject({ result: { data: { userId: 'ada' } } });
  } finally {
    server.kill();
    await rm(directory, { recursive: true, force: true });
  }
});

describeWithRedis('the same demo on other stores', () => {
  test('REDIS_URL moves it to Redis, nothing else changed', { timeout: 60_000 }, async () => {
    const server = await startRedis();
    try {
      const { stdout } = await run('npm', ['run', '--silent', 'demo'], { cwd: ROOT, env: { ...process.env, REDIS_URL: server.url } });
      expect(stdout).toContain('in Redis');
      expect(stdout).toContain(`All ${STEPS.length} steps were as expected.`);
    } finally {
      await server.stop();
    }
  });
});

test.skipIf(skipPostgres('the demo on PostgreSQL'))('DATABASE_URL moves it to PostgreSQL', { timeout: 60_000 }, async () => {
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
});
