import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { ROOT } from '../packed.js';
import { gatherPages, SITE } from './pages.js';
import { mendAnchors } from './reference.js';
import { run } from './run.js';
import { writeTwins } from './twins.js';

/*
 * Builds the site into site/.vitepress/dist: gathers the pages, writes the API reference, makes
 * HTML of both, and adds what programs read. `npm run docs:build` runs it.
 */

export const DIST = join(SITE, '.vitepress/dist');

export async function buildSite(): Promise<void> {
  await install();
  await gatherPages();
  await writeReference();
  await run(process.execPath, [bin('vitepress/bin/vitepress.js'), 'build', '.'], SITE);
  await writeTwins(DIST);
}

/** VitePress and TypeDoc are a package of their own: most contributors never need them. */
async function install(): Promise<void> {
  const installed = join(SITE, 'node_modules/.package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs > statSync(join(SITE, 'package-lock.json')).mtimeMs) return;
  await run('npm', ['ci', '--ignore-scripts'], SITE);
}

/** Fails when a link in a doc comment leads nowhere. */
async function writeReference(): Promise<void> {
  const entries = Object.values(manifest.exports).flatMap((target) =>
    typeof target === 'string' ? [] : [sourceOf(target.default)],
  );
  await run(
    process.execPath,
    [bin('typedoc/bin/typedoc'), ...entries.flatMap((entry) => ['--entryPoints', entry])],
    SITE,
  );
  await mendAnchors();
}

function sourceOf(compiled: string): string {
  return join(ROOT, compiled.replace('./dist/', 'src/').replace(/\.js$/, '.ts'));
}

function bin(path: string): string {
  return join(SITE, 'node_modules', path);
}
