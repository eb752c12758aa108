import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { ROOT } from '../../scripts/packed.js';

/** The organisation and repository, which package.json names and everything else follows. */
const [, slug = ''] = /^git\+https:\/\/github\.com\/([\w-]+\/[\w-]+)\.git$/.exec(manifest.repository.url) ?? [];
const [organisation = ''] = slug.split('/');

function tracked(): string[] {
  const list = ['ls-files', '--cached', '--others', '--exclude-standard'];
  return execFileSync('git', list, { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');
}

test('package.json names one repository on GitHub', () => {
  expect(slug).not.toBe('');
  expect(manifest.homepage).toBe(`https://github.com/${slug}#readme`);
  expect(manifest.bugs.url).toBe(`https://github.com/${slug}/issues`);
});

test('every link to a repository on GitHub is one to that of package.json', () => {
  const others = tracked()
    .filter((path) => !path.endsWith('package-lock.json'))
    .flatMap((path) => {
      const text = readFileSync(join(ROOT, path), 'utf8');
      const named = [...text.matchAll(/github\.com\/([\w-]+\/[\w-]+)/g)].map(([, name = '']) => name);
      return named.filter((name) => name !== slug).map((name) => `${path}: ${name}`);
    });
  expect(others).toEqual([]);
});

test('the owners of the code and the page for contributors name the same organisation', () => {
  const owners = readFileSync(join(ROOT, '.github/CODEOWNERS'), 'utf8').match(/@[\w-]+\/[\w-]+/g);
  expect(owners?.length).toBeGreaterThan(0);
  expect(owners?.filter((owner) => !owner.startsWith(`@${organisation}/`))).toEqual([]);
  expect(readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8')).toContain(`the GitHub repository \`${slug}\``);
});

test('questions go to the discussions, and vulnerabilities to the advisories', () => {
  const { contact_links: links }: { contact_links: { url: string }[] } = parse(
    readFileSync(join(ROOT, '.github/ISSUE_TEMPLATE/config.yml'), 'utf8'),
  );
  expect(links.map(({ url }) => url)).toEqual([
    `https://github.com/${slug}/discussions`,
    `https://github.com/${slug}/security/advisories/new`,
  ]);
});

test('Dependabot looks at every lock file and at the actions', () => {
  const { updates }: { updates: { 'package-ecosystem': string; directories?: string[] }[] } = parse(
    readFileSync(join(ROOT, '.github/dependabot.yml'), 'utf8'),
  );
  const looked = updates.find((each) => each['package-ecosystem'] === 'npm')?.directories;
  const locked = tracked().filter((path) => path.endsWith('package-lock.json'));
  expect(locked.length).toBeGreaterThan(1);
  expect(
    locked
      .map((path) => `/${path.replace(/\/?package-lock\.json$/, '')}`)
      .filter((folder) => !looked?.includes(folder)),
  ).toEqual([]);
  expect(updates.some((each) => each['package-ecosystem'] === 'github-actions')).toBe(true);
});

test.each(['bug', 'feature'])('the form for a %s has fields with labels and unique names', (name) => {
  const form: {
    name: string;
    description: string;
    body: { type: string; id?: string; attributes: { label?: string } }[];
  } = parse(readFileSync(join(ROOT, `.github/ISSUE_TEMPLATE/${name}.yml`), 'utf8'));
  const fields = form.body.filter(({ type }) => type !== 'markdown');
  expect(form.name && form.description).toBeTruthy();
  expect(fields.length).toBeGreaterThan(2);
  expect(fields.filter(({ id, attributes }) => !id || !attributes.label)).toEqual([]);
  expect(new Set(fields.map(({ id }) => id)).size).toBe(fields.length);
});
