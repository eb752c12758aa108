import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path/posix';
import { PAGES } from './pages.js';
import { slugOf } from './slug.js';

/*
 * TypeDoc numbers the anchors of headings that differ only in case, such as RedisStore and
 * redisStore(), in another order than the site does. Here each link gets the anchor of the heading
 * that its text names.
 */

const API = join(PAGES, 'api');

export async function mendAnchors(): Promise<void> {
  const names = (await readdir(API, { recursive: true })).filter((name) => name.endsWith('.md'));
  const texts = new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(API, name), 'utf8')] as const)),
  );
  const anchors = new Map([...texts].map(([name, text]) => [name, anchorsOf(text)]));
  for (const [name, text] of texts) {
    const mended = text.replaceAll(/\[([^\]]+)\]\(([^)#]*)#[^)]*\)/g, (link, label: string, path: string) => {
      const anchor = anchors.get(path === '' ? name : join(dirname(name), path))?.get(label.replaceAll('`', ''));
      return anchor === undefined ? link : `[${label}](${path}#${anchor})`;
    });
    await writeFile(join(API, name), mended);
  }
}

/** The anchors of a page's headings, by the names in them. */
function anchorsOf(markdown: string): ReadonlyMap<string, string> {
  const used = new Map<string, number>();
  const anchors = new Map<string, string>();
  for (const [, heading = ''] of markdown.replaceAll(/^```.*?^```$/gms, '').matchAll(/^#+ (.+)$/gm)) {
    const name = heading.replace(/\(\)$/, '').replace(/\\?<.*$/, '');
    const slug = slugOf(heading);
    const count = used.get(slug) ?? 0;
    used.set(slug, count + 1);
    if (!anchors.has(name)) anchors.set(name, count === 0 ? slug : `${slug}-${count}`);
  }
  return anchors;
}
