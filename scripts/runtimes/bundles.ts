import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import manifest from '../../package.json' with { type: 'json' };
import { NODE_20, NODE_22, type Tool } from './list.js';
import { binaryOf, versionOf } from './project.js';
import { suiteOf } from './suites.js';

const run = promisify(execFile);

export const BUNDLER_PACKAGES = ['vite@8', 'tsdown@0.23'];

/** Makes a bundle of the suite, and answers its path. */
type Bundler = (project: string, tools: string, out: string) => Promise<string>;

const ENTRY = 'suite/hosts/process.js';

/** Packages in CommonJS require modules of Node. A bundle of ES modules does not give them. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

async function withEsbuild(project: string, _tools: string, out: string): Promise<string> {
  const outfile = join(out, 'esbuild.mjs');
  const entryPoints = [join(project, ENTRY)];
  await build({
    entryPoints,
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    banner: { js: REQUIRE },
  });
  return outfile;
}

async function withVite(project: string, tools: string, out: string): Promise<string> {
  const settings = {
    ssr: { noExternal: true },
    build: { ssr: ENTRY, outDir: join(out, 'vite'), target: 'node22' },
    logLevel: 'warn',
  };
  await writeFile(join(project, 'vite.config.mjs'), `export default ${JSON.stringify(settings)};\n`);
  await run(binaryOf(tools, NODE_22), [join(tools, 'node_modules/vite/bin/vite.js'), 'build'], { cwd: project });
  return join(out, 'vite/process.js');
}

async function withTsdown(project: string, tools: string, out: string): Promise<string> {
  const settings = { entry: ENTRY, format: 'esm', platform: 'node', outDir: join(out, 'tsdown'), logLevel: 'error' };
  const text = `export default { ...${JSON.stringify(settings)}, deps: { alwaysBundle: [/./] } };\n`;
  await writeFile(join(project, 'tsdown.config.mjs'), text);
  await run(binaryOf(tools, NODE_22), [join(tools, 'node_modules/tsdown/dist/run.mjs')], { cwd: project });
  return join(out, 'tsdown/process.mjs');
}

const BUNDLERS = {
  'esbuild, for Node': { bundler: withEsbuild, name: 'esbuild' },
  'Vite, SSR': { bundler: withVite, name: 'vite' },
  tsdown: { bundler: withTsdown, name: 'tsdown' },
} as const satisfies Partial<Record<Tool, { bundler: Bundler; name: string }>>;

/**
 * Bundles the suite with all that it uses, and runs it where there is no package to be found.
 * Answers the version of the bundler.
 */
async function runBundle(tool: keyof typeof BUNDLERS, project: string, tools: string, out: string): Promise<string> {
  const { bundler, name } = BUNDLERS[tool];
  await mkdir(out, { recursive: true });
  const bundle = await bundler(project, tools, out);
  const results = await suiteOf(binaryOf(tools, NODE_22), [...NODE_22.args, bundle], out);
  const failed = results.filter(({ failure }) => failure !== undefined);
  if (failed.length > 0) throw new Error(failed.map(({ title, failure }) => `${title}: ${failure}`).join('\n'));
  return versionOf(name === 'esbuild' ? join(import.meta.dirname, '../..') : tools, name);
}

/** The client must run in browsers: nothing of Node may be in it. */
async function bundleClient(project: string): Promise<string> {
  const entry = join(project, 'client.js');
  await writeFile(entry, "export * from 'token-sessions/client';\n");
  const outfile = join(project, 'client.bundle.mjs');
  await build({ entryPoints: [entry], outfile, bundle: true, format: 'esm', platform: 'neutral' });
  const code = await readFile(outfile, 'utf8');
  if (/node:|\brequire\(|\bprocess\b|\bBuffer\b/.test(code))
    throw new Error('the bundle of the client asks for something of Node');
  await import(outfile);
  return versionOf(join(import.meta.dirname, '../..'), 'esbuild');
}

/** `require()` of every subpath, in a CommonJS file, on the oldest Node. */
async function requireAll(project: string, tools: string): Promise<string> {
  const subpaths = Object.keys(manifest.exports).filter((subpath) => subpath !== './package.json');
  const specifiers = subpaths.map((subpath) => `token-sessions${subpath.slice(1)}`);
  const code = `for (const name of ${JSON.stringify(specifiers)}) if (Object.keys(require(name)).length === 0) throw new Error(name);
const { createSessions } = require('token-sessions');
const sessions = createSessions();
sessions.create({ userId: 'ada' }).then(async ({ token }) => {
  if ((await sessions.fromToken(token)).session.data.userId !== 'ada') throw new Error('not found');
});
`;
  const file = join(project, 'all.cjs');
  await writeFile(file, code);
  const { stderr } = await run(binaryOf(tools, NODE_20), [file], { cwd: project });
  if (stderr !== '') throw new Error(stderr);
  return versionOf(tools, 'node-20');
}

/**
 * The task of each tool. Each resolves to the tool's version. `all` is a project with the peers of
 * every subpath.
 */
export function toolRuns({
  project,
  all,
  tools,
  out,
}: Readonly<Record<'project' | 'all' | 'tools' | 'out', string>>): readonly (readonly [
  Tool,
  () => Promise<string>,
])[] {
  return [
    ['`require()`', () => requireAll(all, tools)],
    ['esbuild, for Node', () => runBundle('esbuild, for Node', project, tools, out)],
    ['esbuild, for browsers', () => bundleClient(project)],
    ['Vite, SSR', () => runBundle('Vite, SSR', project, tools, out)],
    ['tsdown', () => runBundle('tsdown', project, tools, out)],
  ];
}
