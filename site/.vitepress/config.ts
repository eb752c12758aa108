import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DefaultTheme, defineConfig } from 'vitepress';
import manifest from '../../package.json';
import { slugOf } from '../../scripts/site/slug.js';
import groups from '../sidebar.json';

/** Where the site is on its host. */
const BASE = process.env['DOCS_BASE'] ?? '/';
const PAGES = fileURLToPath(new URL('../.pages', import.meta.url));

/** A page in the sidebar, by its first heading. */
function item(page: string): DefaultTheme.SidebarItem {
  const [, title = page] = /^# (.+)$/m.exec(readFileSync(join(PAGES, page), 'utf8')) ?? [];
  return { text: title.replaceAll('`', ''), link: `/${page.replace(/\.md$/, '')}` };
}

/** The pages that TypeDoc has written: one for each import of the package. */
function apiPages(): string[] {
  if (!existsSync(join(PAGES, 'api'))) return [];
  const names = readdirSync(join(PAGES, 'api'), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.md') && name !== 'index.md')
    .map((name) => `api/${name.replaceAll('\\', '/')}`);
}

export default defineConfig({
  title: manifest.name,
  description: manifest.description,
  lang: 'en',
  base: BASE,
  srcDir: '.pages',
  // Pages are plain Markdown: what looks like HTML, such as Session<Data>, is text.
  markdown: { html: false, anchor: { slugify: slugOf }, toc: { slugify: slugOf } },
  // The index of the search is one chunk, loaded when somebody searches.
  vite: { publicDir: join(PAGES, 'public'), build: { chunkSizeWarningLimit: 2_000 } },
  transformHead: ({ page }) =>
    page === '404.md' ? [] : [['link', { rel: 'alternate', type: 'text/markdown', href: `${BASE}${page}` }]],
  themeConfig: {
    search: {
      provider: 'local',
      // Guides come before the API reference.
      options: { miniSearch: { searchOptions: { boostDocument: (id: string) => (id.includes('/api/') ? 0.3 : 1) } } },
    },
    outline: [2, 3],
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Concepts', link: '/concepts/calls' },
      { text: 'Reference', link: '/reference/options' },
      { text: 'API', link: '/api/' },
      { text: manifest.version, link: '/project/changelog' },
    ],
    sidebar: [
      ...groups.map(({ text, items }) => ({ text, items: items.map(item) })),
      { text: 'API', collapsed: true, items: apiPages().sort().map(item) },
    ],
  },
});
