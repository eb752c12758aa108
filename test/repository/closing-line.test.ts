import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ROOT } from '../../scripts/packed.js';

const folder = mkdtempSync(join(tmpdir(), 'token-sessions-closing-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Counts {
  readonly passed: number;
  readonly failed?: number;
  /** Files that could not be loaded. */
  readonly broken?: number;
  readonly pending?: number;
}

function report({ passed, failed = 0, broken = 0, pending = 0 }: Counts): string {
  const path = join(folder, 'tests.json');
  const counts = { numPassedTests: passed, numFailedTests: failed, numPendingTests: pending, numTodoTests: 0 };
  const testResults = [
    { status: 'passed', assertionResults: [{ status: 'passed' }] },
    ...(failed > 0
      ? [{ status: 'failed', assertionResults: Array.from({ length: failed }, () => ({ status: 'failed' })) }]
      : []),
    ...Array.from({ length: broken }, () => ({ status: 'failed', assertionResults: [] })),
  ];
  writeFileSync(path, JSON.stringify({ ...counts, testResults }));
  return path;
}

/** The closing line of a run, and whether the run was green. */
function close(runSteps: number, failedSteps: number, path = ''): { readonly line: string; readonly green: boolean } {
  const { stdout, status } = spawnSync(
    process.execPath,
    [join(ROOT, '.ci/closing-line.mjs'), `${runSteps}`, `${failedSteps}`, path],
    {
      encoding: 'utf8',
    },
  );
  return { line: stdout.trim(), green: status === 0 };
}

test('counts the tests', () => {
  expect(close(12, 0, report({ passed: 70, pending: 2 }))).toEqual({
    line: '70 passed, 0 failed, 2 skipped',
    green: true,
  });
  expect(close(12, 1, report({ passed: 70, failed: 3 }))).toEqual({ line: '70 passed, 3 failed', green: false });
});

test('a failed step, a file that does not load, a run without tests or report is a failure', () => {
  expect(close(12, 1, report({ passed: 70 }))).toEqual({ line: '70 passed, 1 failed', green: false });
  expect(close(12, 0, report({ passed: 70, broken: 1 }))).toEqual({ line: '70 passed, 1 failed', green: false });
  expect(close(12, 0, report({ passed: 0 }))).toEqual({ line: '0 passed, 1 failed', green: false });
  expect(close(12, 0, join(folder, 'nothing.json'))).toEqual({ line: '0 passed, 1 failed', green: false });
});

test('counts the steps of a run that was to have no tests', () => {
  expect(close(2, 0)).toEqual({ line: '2 passed, 0 failed', green: true });
  expect(close(2, 1)).toEqual({ line: '1 passed, 1 failed', green: false });
});
