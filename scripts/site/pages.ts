import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path/posix';
import manifest from '../../package.json' with { type: 'json' };
import { ROOT } from '../packed.js';

/*
 * Gathers the pages of the site in one folder. `docs` stays as it is read in the repository: what
 * only the site needs is made here.
 */

export const SITE = join(ROOT, 'site');
export const PAGES = join(SITE, '.pages');

/** Pages of the site that lie elsewhere in the repository. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'SECURITY.md': 'project/security-policy.md',
  'CHANGELOG.md': 'project/changelog.md',
  'CONTRIBUTING.md': 'project/contributing.md',
};

/** The pages of the site by their path in the repository. */
export async function sitePages(): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(join(ROOT, 'docs'), { recursive: true })).filter((name) => name.endsWith('.md'));
  return new Map([...names.sort().map((name) => [`docs/${name}`, name] as const), ...Object.entries(ELSEWHERE)]);
}

/** Writes every page but those of the API reference. */
export async function gatherPages(): Promise<void> {
  const pages = await sitePages();
  await rm(PAGES, { recursive: true, force: true });
  for (const [source, target] of pages) {
    await mkdir(dirname(join(PAGES, target)), { recursive: true });
    await writeFile(join(PAGES, target), withSiteLinks(await readFile(join(ROOT, source), 'utf8'), source, pages));
  }
  await cp(join(SITE, 'index.md'), join(PAGES, 'index.md'));
  const assets = join(ROOT, 'docs/public');
  if (existsSync(assets)) await cp(assets, join(PAGES, 'public'), { recursive: true });
}

/** The page with links that lead to pages of the site, to the repository, or nowhere. */
export function withSiteLinks(markdown: string, source: string, pages: ReadonlyMap<string, string>): string {
  const here = dirname(pages.get(source) ?? '');
  return outsideCode(markdown, (text) =>
    text.replaceAll(
      /\[((?:[^[\]]|\[[^\]]*\])*)\]\((?!https?:|#)([^)\s#]+)(#[^)\s]*)?\)/g,
      (_, label: string, path: string, anchor = '') => {
        const target = join(dirname(source), path);
        const page = pages.get(target);
        if (page !== undefined) return `[${label}](${relative(here, page) || page}${anchor})`;
        const url = repositoryUrl(target);
        return url === undefined ? label : `[${label}](${url})`;
      },
    ),
  );
}

/** Where a file is in the repository, if package.json says where that is. */
function repositoryUrl(path: string): string | undefined {
  const repository: unknown = Reflect.get(manifest, 'repository');
  const url = typeof repository === 'object' && repository !== null ? Reflect.get(repository, 'url') : repository;
  if (typeof url !== 'string') return undefined;
  return `${url.replace(/^git\+/, '').replace(/\.git$/, '')}/blob/main/${path}`;
}

/** Applies `change` to everything but fenced blocks. */
function outsideCode(markdown: string, change: (text: string) => string): string {
  return markdown
    .split(/(^```.*?^```$)/ms)
    .map((part, index) => (index % 2 === 0 ? change(part) : part))
    .join('');
}

/** The title of a page: its first heading, or what its front matter says. */
export function titleOf(markdown: string): string {
  return /^# (.+)$/m.exec(markdown)?.[1]?.replaceAll('`', '') ?? /^title: (.+)$/m.exec(markdown)?.[1] ?? '';
}

/** The order of the pages, as the sidebar has it. */
export function sidebarGroups(): readonly { readonly text: string; readonly items: readonly string[] }[] {
  return JSON.parse(readFileSync(join(SITE, 'sidebar.json'), 'utf8'));
}
