import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path/posix';
import manifest from '../../package.json' with { type: 'json' };
import { PAGES, sidebarGroups, titleOf } from './pages.js';

/*
 * The parts of the site for programs: each page as Markdown beside its HTML, a list of all pages
 * (https://llmstxt.org), and all of them in one file.
 */

/** Paths of the Markdown pages of the site. */
export async function markdownPages(): Promise<string[]> {
  const names = await readdir(PAGES, { recursive: true });
  return names.filter((name) => name.endsWith('.md')).sort();
}

export async function writeTwins(dist: string): Promise<void> {
  const pages = await markdownPages();
  for (const page of pages) {
    await mkdir(dirname(join(dist, page)), { recursive: true });
    await cp(join(PAGES, page), join(dist, page));
  }
  const api = pages.filter((page) => page.startsWith('api/') && page !== 'api/index.md');
  const groups = [...sidebarGroups(), { text: 'API', items: api }];
  await writeFile(join(dist, 'llms.txt'), await listOf(groups));
  const texts = groups.slice(0, -1).flatMap(({ items }) => items.map((page) => readFile(join(PAGES, page), 'utf8')));
  await writeFile(join(dist, 'llms-full.txt'), (await Promise.all(texts)).join('\n\n'));
}

async function listOf(
  groups: readonly { readonly text: string; readonly items: readonly string[] }[],
): Promise<string> {
  const sections = groups.map(async ({ text, items }) => {
    const lines = items.map(async (page) => {
      const markdown = await readFile(join(PAGES, page), 'utf8');
      return `- [${titleOf(markdown)}](${page})${summaryOf(markdown)}`;
    });
    return `## ${text}\n\n${(await Promise.all(lines)).join('\n')}\n`;
  });
  return `# ${manifest.name}\n\n> ${manifest.description}\n\n${(await Promise.all(sections)).join('\n')}`;
}

/** The first sentence of the page's first paragraph of text. */
function summaryOf(markdown: string): string {
  const paragraph = markdown.split(/\n\n/).find((block) => /^[A-Z`]/.test(block)) ?? '';
  const sentence = /^.*?[.:?](?=\s|$)/s
    .exec(paragraph)?.[0]
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1');
  return sentence === undefined ? '' : `: ${sentence.replace(/:$/, '.')}`;
}
