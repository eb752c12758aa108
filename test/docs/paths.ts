import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../scripts/packed.js';

/** Folders of the project, from its root or from `src`. */
const TOPS = 'src test docs examples bench scripts core http adapters stores legacy graphql testing client'.split(' ');

/**
 * The paths that a page names as code, such as `core/store.ts` or `test/races`, and the missing
 * ones of them.
 */
export function namedPaths(markdown: string): {
  readonly found: readonly string[];
  readonly missing: readonly string[];
} {
  const texts = [...markdown.matchAll(/`([^`\n]+)`/g)].flatMap(([, text = '']) => text.split(' '));
  const paths = texts.filter(
    (text) => /^[\w.@-]+(?:\/[\w.@*-]+)+\/?$/.test(text) && TOPS.includes(text.split('/')[0] ?? ''),
  );
  const found = [...new Set(paths)].filter((path) => !path.startsWith('client') && !/\/x$|\*/.test(path));
  return { found, missing: found.filter((path) => !exists(path)) };
}

function exists(path: string): boolean {
  return existsSync(join(ROOT, path)) || existsSync(join(ROOT, 'src', path));
}
