import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT, TYPESCRIPT_7 } from '../../scripts/packed.js';
import { type Block, blocksOf } from './blocks.js';
import { SURROUNDINGS } from './surroundings.js';

const run = promisify(execFile);

/** The options by which pages are compiled, and by which Node's runner finds the package. */
const CONFIG = {
  extends: join(ROOT, 'tsconfig.json'),
  compilerOptions: {
    // Next.js changes the type of process.env, so readers cannot keep this rule of ours.
    noPropertyAccessFromIndexSignature: false,
    // urql's types for subscriptions do not pass it.
    exactOptionalPropertyTypes: false,
    lib: ['ES2023', 'DOM', 'DOM.Iterable'],
  },
  include: ['**/*.ts'],
};

/** Pages about hosts with a bundler. Their readers import `./sessions`, not `./sessions.js`. */
const BUNDLED = ['docs/hosts/next.md'];
const BUNDLED_CONFIG = {
  ...CONFIG,
  compilerOptions: { ...CONFIG.compilerOptions, module: 'esnext', moduleResolution: 'bundler', jsx: 'react-jsx' },
  include: ['**/*.ts', '**/*.tsx'],
};

/** README.md and every page of `docs`, as paths from the root of the project. */
export async function pagesOfProject(): Promise<string[]> {
  const names = await readdir(join(ROOT, 'docs'), { recursive: true });
  return ['README.md', ...names.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)].sort();
}

/** The blocks of a page that a compiler can check. */
export async function typescriptOf(page: string): Promise<Block[]> {
  const blocks = blocksOf(await readFile(join(ROOT, page), 'utf8'));
  return blocks.filter(({ language }) => language === 'ts' || language === 'tsx');
}

/** The blocks of pages, written as files that can be compiled and run. Each page has a folder. */
export interface BlockProject {
  readonly dir: string;
  /** The path of a page's block, by the name in its first line. */
  file(page: string, name: string): string;
  remove(): Promise<void>;
}

export async function writeBlocks(pages: readonly string[]): Promise<BlockProject> {
  const dir = await mkdtemp(join(tmpdir(), 'token-sessions-docs-'));
  await symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
  await writeFile(join(dir, 'package.json'), '{ "type": "module" }');
  await writeFile(join(dir, 'tsconfig.json'), JSON.stringify({ ...CONFIG, exclude: BUNDLED.map(folderOf) }));
  for (const page of BUNDLED) await write(join(dir, folderOf(page), 'tsconfig.json'), JSON.stringify(BUNDLED_CONFIG));
  for (const page of pages) {
    for (const [name, text] of Object.entries(SURROUNDINGS[page] ?? {}))
      await write(join(dir, folderOf(page), name), text);
    for (const [index, { text, file }] of (await typescriptOf(page)).entries()) {
      await write(join(dir, folderOf(page), file ?? `block-${index}.ts`), text);
    }
  }
  return {
    dir,
    file: (page, name) => join(dir, folderOf(page), name),
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

/** The errors that the compiler finds in these pages. Bundled ones have options of their own. */
export async function compileBlocks({ dir }: BlockProject): Promise<readonly string[]> {
  const found = await Promise.all(['.', ...BUNDLED.map(folderOf)].map((project) => compile(dir, project)));
  return found.flat();
}

async function compile(dir: string, project: string): Promise<readonly string[]> {
  const { stdout } = await run(process.execPath, [TYPESCRIPT_7, '-p', project], { cwd: dir }).catch(
    (error: { stdout: string }) => error,
  );
  // The sources of the package are part of the run, and have options of their own elsewhere.
  return stdout.split('\n').filter((line) => line !== '' && !line.startsWith('../'));
}

/** Those of the errors that are about a page. */
export function errorsIn(errors: readonly string[], page: string): string[] {
  return errors.filter((line) => line.startsWith(`${folderOf(page)}/`));
}

/** `docs/hosts/hono.md` is the folder `docs.hosts.hono`: pages may have names like folders. */
function folderOf(page: string): string {
  return page.replace(/\.md$/, '').replaceAll('/', '.');
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
