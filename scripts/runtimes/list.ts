import { OLDEST_TYPESCRIPT } from '../packed.js';

/** A runtime that the suite of test/runtimes runs on, as a row of docs/runtimes.md. */
export interface Runtime {
  readonly name: string;
  /** Its name in the package registry. Its binary comes without an install script. */
  readonly package: string;
  /** The path of the binary in its package, and the arguments before the script. */
  readonly binary: string;
  readonly args: readonly string[];
}

const IS_ARM = process.arch === 'arm64';

function node(version: string, args: readonly string[] = []): Runtime {
  return {
    name: `Node ${version}`,
    package: `node-linux-${IS_ARM ? 'arm64' : 'x64'}@${version}`,
    binary: 'bin/node',
    args,
  };
}

// Node 22 warns that its SQLite is experimental.
export const NODE_20 = node('20');
export const NODE_22 = node('22', ['--no-warnings']);
export const BUN: Runtime = {
  name: 'Bun',
  package: `@oven/bun-linux-${IS_ARM ? 'aarch64' : 'x64'}`,
  binary: 'bin/bun',
  args: [],
};
export const DENO: Runtime = {
  name: 'Deno',
  package: `@deno/linux-${IS_ARM ? 'arm64' : 'x64'}-glibc`,
  binary: 'deno',
  args: ['run', '--allow-all', '--node-modules-dir=manual'],
};

export const PROCESSES: readonly Runtime[] = [NODE_20, NODE_22, node('24'), node('26'), BUN, DENO];

/** Cloudflare's runtime, with D1. Miniflare brings it, and needs Node 22. */
export const WORKERD = {
  name: 'Cloudflare workerd',
  package: 'miniflare@4',
  compatibilityDate: '2026-03-01',
} as const;

/** The rows of the first table. */
export const RUNTIMES: readonly string[] = [...PROCESSES.map(({ name }) => name), WORKERD.name];

/** The rows of the second table: a tool that transforms the package, and what runs the result. */
export const TOOLS = [
  ['`require()`', 'every subpath, from CommonJS, on Node 20'],
  ['esbuild, for Node', 'the suite as one bundle, on Node 22'],
  ['esbuild, for browsers', '`token-sessions/client` as one bundle, without any module of Node'],
  ['Vite, SSR', 'the suite as one bundle, on Node 22'],
  ['tsdown', 'the suite as one bundle, on Node 22'],
  ['Jest, ES modules', 'the recipes of [testing.md](testing.md)'],
  ['Jest, CommonJS', 'the recipes of [testing.md](testing.md)'],
] as const;

export type Tool = (typeof TOOLS)[number][0];

/** The rows of the third table. */
export const TYPESCRIPTS = [OLDEST_TYPESCRIPT, '5.9', '6.0', '7.0'] as const;

/** Its columns. */
export const RESOLUTIONS = ['nodenext', 'bundler'] as const;
