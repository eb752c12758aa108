import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const FILE = fileURLToPath(new URL('./fixtures/memory.node-test.ts', import.meta.url));

/** Runs the kit under `node --test`, as the author of a store may. */
async function runNodeTest(
  environment: Readonly<Record<string, string>> = {},
  options: readonly string[] = [],
): Promise<{ code: number | null; output: string }> {
  // With Vitest's own variables, Node would believe that it runs within another test.
  const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...inherited } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', '--test', '--test-reporter=tap', ...options, FILE], {
    env: { ...inherited, ...environment },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, output };
}

test('a sound store passes with the runner of Node', { timeout: 60_000 }, async () => {
  const { code, output } = await runNodeTest();
  expect(output).toMatch(/^# fail 0$/m);
  expect(Number(/^# pass (\d+)$/m.exec(output)?.[1])).toBeGreaterThan(150);
  expect(code).toBe(0);
});

test('a store with a planted bug fails with the runner of Node', { timeout: 60_000 }, async () => {
  const { code, output } = await runNodeTest({ PLANTED_BUG: 'delete' }, [
    '--test-name-pattern=delete permanently removes|: save, destroy,',
  ]);
  expect(output).toMatch(/^\s*not ok \d+ - invariant 5: delete permanently removes the record/m);
  expect(output).toMatch(
    /^\s*not ok \d+ - invariants 2, 3 and 5: save, destroy, in every order of their store calls/m,
  );
  expect(code).toBe(1);
});
