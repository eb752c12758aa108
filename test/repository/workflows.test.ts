import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { ROOT } from '../../scripts/packed.js';
import { actionsOf, readWorkflow, stepsOf, unknownScripts, workflowProblems, writesOf } from './workflows.js';

const FOLDER = join(ROOT, '.github/workflows');
const names = readdirSync(FOLDER);
const read = (name: string) => readFileSync(join(FOLDER, name), 'utf8');
const steps = execFileSync('bash', ['.ci/run', '--list'], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');
const known = { steps, scripts: Object.keys(manifest.scripts) };

describe('the workflows', () => {
  test('are ci, docs and release', () => {
    expect(names.sort()).toEqual(['ci.yml', 'docs.yml', 'release.yml']);
  });

  test.each(names)('%s pins its actions, has few permissions, and names steps and scripts that exist', (name) => {
    expect(workflowProblems(read(name), known)).toEqual([]);
  });

  test('use the same commit of an action everywhere', () => {
    const pins = new Set(
      names.flatMap((name) => actionsOf(read(name)).map(({ name: action, pin }) => `${action}@${pin}`)),
    );
    const actions = new Set([...pins].map((each) => each.split('@')[0]));
    expect(pins.size).toBe(actions.size);
    expect(actions.size).toBeGreaterThan(0);
  });

  test('write nothing but the pages of the site, and identity tokens', () => {
    expect(writesOf(readWorkflow(read('ci.yml')))).toEqual([]);
    expect(writesOf(readWorkflow(read('docs.yml')))).toEqual(['pages', 'id-token']);
    expect(writesOf(readWorkflow(read('release.yml')))).toEqual(['id-token']);
  });

  test('run every step of .ci/run; the matrix stands in for the newer versions of Node', () => {
    const run = new Set(names.flatMap((name) => stepsOf(read(name))));
    expect(steps.filter((step) => !run.has(step))).toEqual(['node-versions']);
  });

  test('run the tests from the oldest supported version of Node on', () => {
    const ci: { jobs: { tests: { strategy: { matrix: { node: number[] } } } } } = parse(read('ci.yml'));
    const { node } = ci.jobs.tests.strategy.matrix;
    expect(node).toEqual([20, 22, 24, 26]);
    expect(manifest.engines.node).toBe(`>=${node[0]}.19`);
    expect(node).toContain(Number(readFileSync(join(ROOT, '.node-version'), 'utf8')));
  });

  test.each([
    ['a tag instead of a commit', 'actions/checkout@v7', 'actions/checkout is not pinned by a commit and its version'],
    [
      'a commit without its version',
      `actions/checkout@${'0'.repeat(40)}`,
      'actions/checkout is not pinned by a commit and its version',
    ],
    ['no version at all', 'actions/checkout', 'an action has no version'],
  ])('a planted action with %s is found', (_, uses, problem) => {
    expect(workflowProblems(workflow(`- uses: ${uses}`), known)).toEqual([problem]);
  });

  test.each([
    ['a script that does not exist', '- run: npm run --silent nothing', 'job: package.json has no script nothing'],
    ['a step that does not exist', '- run: .ci/run lint nothing', 'job: .ci/run has no step nothing'],
    [
      'an expression in a command',
      `- run: echo \${{ github.head_ref }}`,
      `job: a command is put together from an expression: echo \${{ github.head_ref }}`,
    ],
  ])('planted: %s is found', (_, step, problem) => {
    expect(workflowProblems(workflow(step), known)).toEqual([problem]);
  });

  test('planted: no permissions, a permission for every job, a secret, no timeout and no concurrency are found', () => {
    expect(workflowProblems('jobs: { job: { steps: [] } }', known)).toEqual([
      'it has no permissions of its own',
      'it has no concurrency group',
      'job: it has no timeout',
    ]);
    expect(workflowProblems(workflow('- run: npm test').replace('contents: read', 'contents: write'), known)).toEqual([
      'every job may write contents',
    ]);
    expect(workflowProblems(`${workflow('- run: npm test')} # secrets.NPM_TOKEN`, known)).toEqual([
      'it uses a secret',
    ]);
  });
});

describe('.ci/run', () => {
  test('calls scripts that exist', () => {
    expect(unknownScripts(readFileSync(join(ROOT, '.ci/run'), 'utf8'), known.scripts)).toEqual([]);
  });

  test('refuses a step that it does not know, before it runs any', () => {
    expect(() => execFileSync('bash', ['.ci/run', 'lint', 'nothing'], { cwd: ROOT, stdio: 'pipe' })).toThrow(
      'unknown step: nothing',
    );
  });
});

/** A workflow with one step and nothing else to complain about. */
function workflow(step: string): string {
  return [
    'permissions: { contents: read }',
    'concurrency: one',
    'jobs:',
    '  job:',
    '    timeout-minutes: 5',
    '    steps:',
    `      ${step}`,
  ].join('\n');
}
