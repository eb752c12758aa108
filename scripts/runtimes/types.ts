import { execFile } from 'node:child_process';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import manifest from '../../package.json' with { type: 'json' };
import { CONSUMER_PACKAGES, linkPackages, ownErrors, ROOT } from '../packed.js';
import { type RESOLUTIONS, TYPESCRIPTS } from './list.js';
import { versionOf } from './project.js';

/* Compiles the declarations of every subpath, and test/package, without skipLibCheck. */

const run = promisify(execFile);

const HOSTS = ['@trpc/server', 'graphql', 'graphql-yoga', 'fast-check'];

const aliasOf = (version: string): string => `typescript-${version}`;

export const TYPESCRIPT_PACKAGES = TYPESCRIPTS.map((version) => `${aliasOf(version)}@npm:typescript@~${version}.0`);

/** Puts what is to be compiled into a project that has the package. */
export async function addConsumers(project: string): Promise<void> {
  await linkPackages(project, [...CONSUMER_PACKAGES, ...HOSTS]);
  await cp(join(ROOT, 'test/package/consumer'), join(project, 'consumer'), { recursive: true });
  const subpaths = Object.keys(manifest.exports).filter((subpath) => subpath !== './package.json');
  const imports = subpaths.map(
    (subpath, index) => `export * as all${index} from 'token-sessions${subpath.slice(1)}';\n`,
  );
  await writeFile(join(project, 'all.ts'), imports.join(''));
}

/** Compiles with one version. Answers which it is. */
export async function compile(
  project: string,
  tools: string,
  version: (typeof TYPESCRIPTS)[number],
  resolution: (typeof RESOLUTIONS)[number],
): Promise<string> {
  const common = { target: 'es2022', strict: true, types: ['node'], noEmit: true };
  const compilerOptions =
    resolution === 'bundler'
      ? { ...common, module: 'esnext', moduleResolution: 'bundler', lib: ['es2022', 'dom'] }
      : { ...common, module: 'nodenext', lib: ['es2022'] };
  const config = join(project, `tsconfig.${version}.${resolution}.json`);
  await writeFile(config, JSON.stringify({ compilerOptions, include: ['all.ts', 'consumer'] }));
  const tsc = join(tools, 'node_modules', aliasOf(version), 'bin/tsc');
  const { stdout } = await run(process.execPath, [tsc, '-p', config], { cwd: project }).catch(
    (error: { stdout: string }) => error,
  );
  const errors = ownErrors(stdout);
  if (errors.length > 0) throw new Error(errors.join('\n'));
  return versionOf(tools, aliasOf(version));
}
