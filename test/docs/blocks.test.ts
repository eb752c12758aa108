import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSessions, requireSession } from 'token-sessions';
import { describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { ROOT } from '../../scripts/packed.js';
import { blocksOf } from './blocks.js';
import { pagesOfProject } from './project.js';

/*
 * Blocks in other languages than TypeScript, and what pages say in code. SQL blocks run in
 * test/stores/postgres/upgrade.test.ts, and the ACL of Redis in test/stores/redis/acl.test.ts.
 */

/** `js`: the configuration of Jest, which `npm run runtimes` runs. */
const LANGUAGES = ['ts', 'tsx', 'js', 'sh', 'text', 'sql', 'json'];
const COMMANDS = [
  /^npm (?:ci|test|start|init -y|pkg set type=module|run \S+)$/,
  /^npm install (?:token-sessions(?: [@\w/-]+)*|--save-dev [@\w/ -]+)$/,
  /^npx \S+ .*$/,
  /^curl http:\/\/localhost:.*$/,
];
const pages = [...(await pagesOfProject()), 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'examples/README.md'];

function read(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

describe.each(pages)('%s', (page) => {
  test('has blocks only in languages that a test reads', () => {
    const others = blocksOf(read(page)).filter(({ language }) => !LANGUAGES.includes(language));
    expect(others.map(({ line }) => line)).toEqual([]);
  });

  test('names only scripts that there are', () => {
    const scripts = [...read(page).matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, name = '']) => name);
    expect(scripts.filter((name) => !Object.hasOwn(manifest.scripts, name))).toEqual([]);
  });

  test('runs only files that there are, here or on the page', () => {
    const files = [...read(page).matchAll(/npx tsx ([\w/.-]+)/g)].map(([, path = '']) => path);
    const shown = blocksOf(read(page)).map(({ file }) => file);
    expect(files.filter((path) => !existsSync(join(ROOT, path)) && !shown.includes(path))).toEqual([]);
  });

  test('has commands of npm, npx and curl alone', () => {
    const commands = blocksOf(read(page))
      .filter(({ language }) => language === 'sh')
      .flatMap(({ text }) => text.trim().split(/\n|&&/));
    expect(commands.filter((command) => !COMMANDS.some((each) => each.test(command.trim())))).toEqual([]);
  });
});

test('the problem that docs/hosts/fetch.md shows is what clients get', async () => {
  const [block] = blocksOf(read('docs/hosts/fetch.md')).filter(({ language }) => language === 'json');
  const sessions = createSessions<{ userId: string }>();
  const response = await sessions.handle(new Request('https://app.example/'), (context) =>
    Response.json(requireSession(context).data),
  );
  expect(await response.json()).toEqual(JSON.parse(block?.text ?? ''));
});
