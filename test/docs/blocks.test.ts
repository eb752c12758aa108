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

  test('runs only files that there are', () => {
    const files = [...read(page).matchAll(/npx tsx ([\w/.-]+)/g)].map(([, path = '']) => path);
    expect(files.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test('has commands of npm and npx alone', () => {
    const commands = blocksOf(read(page))
      .filter(({ language }) => language === 'sh')
      .flatMap(({ text }) => text.trim().split(/\n|&&/));
    expect(
      commands.filter(
        (command) => !/^\s*(?:npm (?:ci|test|start|install token-sessions|run \S+)|npx \S+ .*)\s*$/.test(command),
      ),
    ).toEqual([]);
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
