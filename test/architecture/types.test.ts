import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ROOT, TYPESCRIPT_7 } from '../../scripts/packed.js';

/** The compiler's state between two runs: the second run checks only the changes. */
const CHECKED = join(ROOT, 'node_modules/.cache/token-sessions/types.tsbuildinfo');

test('sources, tests and examples type-check: what the tests say of types is checked by the compiler alone', {
  timeout: 120_000,
}, async () => {
  const compile = promisify(execFile)(
    process.execPath,
    [TYPESCRIPT_7, '-p', 'tsconfig.json', '--incremental', '--tsBuildInfoFile', CHECKED],
    { cwd: ROOT },
  );
  const { stdout } = await compile.catch((error: { stdout: string }) => error);
  expect(stdout).toBe('');
});
