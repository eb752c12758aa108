import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { problemsOf } from '../../scripts/commit-message.js';
import { ROOT } from '../../scripts/packed.js';

describe('a commit message', () => {
  test.each([
    'feat: sessions on Hono',
    'fix(redis): a lost answer counts once',
    'refactor(core, http): one table of errors',
    'feat(trpc)!: a call owns its session\n\nBefore, all calls of a batch shared one.',
    `docs: ${'a'.repeat(66)}`,
    'fix: a change\n# Please enter the commit message for your changes.\n# ------------------------ >8 ------------------------\ndiff --git',
  ])('is accepted: %j', (message) => {
    expect(problemsOf(message)).toEqual([]);
  });

  test.each([
    ['Fixed a bug', 'the subject must be "type: text" or "type(scope): text"'],
    ['fix a bug', 'the subject must be "type: text" or "type(scope): text"'],
    ['fix:no space', 'the subject must be "type: text" or "type(scope): text"'],
    ['fixup! fix: a bug', 'the subject must be "type: text" or "type(scope): text"'],
    ['', 'the subject must be "type: text" or "type(scope): text"'],
    [
      'bugfix: a bug',
      '"bugfix" is not one of the types feat, fix, perf, refactor, docs, test, bench, build, ci, chore, style, revert',
    ],
    [`docs: ${'a'.repeat(67)}`, 'the subject has 73 characters; at most 72 are allowed'],
    ['fix: a bug.', 'the subject must not end with a full stop'],
    ['fix: a bug\nwith more', 'an empty line must separate the subject from the body'],
  ])('is refused: %j', (message, problem) => {
    expect(problemsOf(message)).toEqual([problem]);
  });
});

describe('npm run commits', () => {
  let repository: string;
  const git = (...args: string[]) => execFileSync('git', args, { cwd: repository, stdio: 'pipe' });
  const commit = (message: string) =>
    git(
      '-c',
      'user.name=Ada',
      '-c',
      'user.email=ada@example.com',
      'commit',
      '--quiet',
      '--no-verify',
      '--allow-empty',
      '-m',
      message,
    );
  const check = (...args: string[]) =>
    spawnSync(
      process.execPath,
      [join(ROOT, 'node_modules/tsx/dist/cli.mjs'), join(ROOT, 'scripts/commit-message.ts'), ...args],
      {
        cwd: repository,
        encoding: 'utf8',
      },
    );

  beforeAll(() => {
    repository = mkdtempSync(join(tmpdir(), 'token-sessions-commits-'));
    git('init', '--quiet', '--initial-branch=main');
    commit('A message from before the rule');
    commit('feat: a first change\n\nIt has a body.');
  });
  afterAll(() => rmSync(repository, { recursive: true, force: true }));

  test('checks each commit of a range', () => {
    const good = check('HEAD~1..HEAD');
    expect(good.stdout).toBe('checked one message\n');
    expect(good.status).toBe(0);
    commit('A second change');
    const bad = check('HEAD~2..HEAD');
    expect(bad.stdout).toBe('checked 2 messages\n');
    expect(bad.stderr).toContain('the subject must be "type: text" or "type(scope): text"\n  A second change');
    expect(bad.status).toBe(1);
  });

  test('checks the message of a commit that is being made', () => {
    const path = join(repository, 'MESSAGE');
    writeFileSync(path, 'fix: a bug\n');
    expect(check('--file', path).status).toBe(0);
    writeFileSync(path, 'a bug\n');
    expect(check('--file', path).status).toBe(1);
  });
});
