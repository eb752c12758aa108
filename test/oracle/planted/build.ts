import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import type { Library } from '../play/library.js';
import type { Bug } from './bugs.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');
/** Inside the project, so that the bundles find the packages that the sources import. */
const CACHE = join(ROOT, 'node_modules/.cache/token-sessions-oracle');

/** The library with a bug planted in it: the sources as they are, but for the patch. */
export async function plant(bug: Bug): Promise<Library> {
  const dir = join(CACHE, `${process.pid}-${bug.name.replace(/\W+/g, '-')}`);
  const applied = new Set<string>();
  await mkdir(dir, { recursive: true });
  await build({
    absWorkingDir: ROOT,
    entryPoints: {
      core: 'src/index.ts',
      trpc: 'src/adapters/trpc/index.ts',
      yoga: 'src/adapters/yoga/index.ts',
      express: 'src/adapters/express/index.ts',
    },
    outdir: dir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'silent',
    plugins: [patching(bug, applied)],
  });
  for (const { file } of bug.patches)
    if (!applied.has(file)) throw new Error(`${bug.name}: ${file} is not part of the library`);
  const load = (name: keyof Library) => import(pathToFileURL(join(dir, `${name}.mjs`)).href);
  const [core, trpc, yoga, express] = await Promise.all([load('core'), load('trpc'), load('yoga'), load('express')]);
  return { core, trpc, yoga, express };
}

function patching({ name, patches }: Bug, applied: Set<string>): Plugin {
  return {
    name: 'plant',
    setup({ onLoad }) {
      onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
        let contents = await readFile(path, 'utf8');
        for (const { file, from, to } of patches) {
          if (!path.endsWith(`/src/${file}`)) continue;
          if (contents.split(from).length !== 2) throw new Error(`${name}: ${file} must have this once: ${from}`);
          contents = contents.replace(from, () => to);
          applied.add(file);
        }
        return { contents, loader: 'ts' };
      });
    },
  };
}
