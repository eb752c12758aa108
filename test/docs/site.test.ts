import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../scripts/packed.js';
import { SITE, sidebarGroups, sitePages, titleOf, withSiteLinks } from '../../scripts/site/pages.js';

const pages = await sitePages();

describe('the site', () => {
  test('has every page in its sidebar, once', () => {
    const listed = sidebarGroups().flatMap(({ items }) => items);
    expect(listed.toSorted()).toEqual([...pages.values()].toSorted());
  });

  test.each([...pages.keys()])('finds a title in %s', (source) => {
    expect(titleOf(readFileSync(join(ROOT, source), 'utf8'))).not.toBe('');
  });

  test('keeps links between pages, and leads links to files of the repository nowhere else', () => {
    const link = (text: string) => withSiteLinks(text, 'docs/hosts/others.md', pages);
    expect(link('[a](../client.md#the-server)')).toBe('[a](../client.md#the-server)');
    expect(link('[a](../../SECURITY.md)')).toBe('[a](../project/security-policy.md)');
    expect(link('[a](../../examples/README.md)')).not.toContain('../');
    expect(link('[a](https://standardschema.dev)')).toBe('[a](https://standardschema.dev)');
    expect(link('```md\n[a](../../SECURITY.md)\n```')).toBe('```md\n[a](../../SECURITY.md)\n```');
  });

  test('has a lock file that names no registry', () => {
    expect(readFileSync(join(SITE, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved":|https?:\/\/[^"]*registry/);
  });
});
