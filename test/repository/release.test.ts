import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { ROOT } from '../../scripts/packed.js';
import { releaseProblems } from '../../scripts/release-check.js';

const CHANGELOG = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');

/** The lines of a page that are not empty. */
function linesOf(page: string): string[] {
  return page.split('\n').filter((line) => line !== '');
}

describe('changesets', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'token-sessions-changesets-'));
    for (const name of ['.changeset', 'package.json', 'CHANGELOG.md'])
      cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    execFileSync('git', ['init', '--quiet', '--initial-branch=main'], { cwd: folder });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('become a section of CHANGELOG.md above the older ones, which stay as they are', { timeout: 60_000 }, () => {
    writeFileSync(
      join(folder, '.changeset/one.md'),
      '---\n"token-sessions": patch\n---\n\nA login counts once.\n\nIt counted twice.\n',
    );
    execFileSync(process.execPath, [join(ROOT, 'node_modules/@changesets/cli/bin.js'), 'version'], {
      cwd: folder,
      stdio: 'pipe',
    });
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const written = linesOf(readFileSync(join(folder, 'CHANGELOG.md'), 'utf8'));
    const [title = '', ...older] = linesOf(CHANGELOG);
    expect(version).not.toBe(manifest.version);
    expect(written).toEqual([
      title,
      `## ${version}`,
      '### Patch Changes',
      '- A login counts once.',
      '  It counted twice.',
      ...older,
    ]);
    expect(readdirSync(join(folder, '.changeset'))).not.toContain('one.md');
  });
});

describe('a release', () => {
  const good = {
    version: '1.2.3',
    changelog: '# Changelog\n\n## 1.2.3\n\n- A change.\n',
    changesets: ['README.md', 'config.json'],
  };

  test('may be published when tag, version and change log agree', () => {
    expect(releaseProblems('v1.2.3', good)).toEqual([]);
  });

  test('may not be published otherwise', () => {
    expect(releaseProblems('v1.2.4', good)).toEqual([
      'the tag v1.2.4 does not fit package.json: its version is 1.2.3',
    ]);
    expect(releaseProblems('v1.2.3', { ...good, changelog: '# Changelog\n\n## 1.2.30\n' })).toEqual([
      'CHANGELOG.md must have a section "## 1.2.3"',
    ]);
    expect(releaseProblems('v1.2.3', { ...good, changesets: ['README.md', 'brave-owl.md'] })).toEqual([
      'run npm run release-version first, for brave-owl.md',
    ]);
  });

  test('of the version in package.json has a section in CHANGELOG.md', () => {
    expect(
      releaseProblems(`v${manifest.version}`, { version: manifest.version, changelog: CHANGELOG, changesets: [] }),
    ).toEqual([]);
  });
});
