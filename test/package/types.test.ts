import { execFile } from 'node:child_process';
import { cp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { beforeAll, describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import {
  CONSUMERS,
  linkPackages,
  ownErrors,
  ROOT,
  readTarball,
  TYPESCRIPT_5,
  TYPESCRIPT_7,
} from '../../scripts/packed.js';
import { installedPackage } from './support.js';

const run = promisify(execFile);
const installed = installedPackage();
const { node } = installed;

describe('with its peers', () => {
  beforeAll(async () => {
    const { project } = installed;
    // The applications and examples may use whatever is installed here.
    await linkPackages(project, Object.keys(manifest.devDependencies));
    await cp(join(import.meta.dirname, 'consumer'), join(project, 'consumer'), { recursive: true });
    await cp(join(ROOT, 'examples'), join(project, 'examples'), { recursive: true });
  });

  // `npm run runtimes` has more of them. The tests below run the output of the last one.
  test.each([
    ['TypeScript 7', 'nodenext', TYPESCRIPT_7, 'examples'],
    ['TypeScript 7', 'bundler', TYPESCRIPT_7, 'consumer'],
    ['TypeScript 5', 'nodenext', TYPESCRIPT_5, 'consumer'],
    ['TypeScript 7', 'nodenext', TYPESCRIPT_7, 'consumer'],
  ] as const)(
    '%s with moduleResolution %s checks what uses the package',
    { timeout: 180_000 },
    async (_, moduleResolution, tsc, folder) => {
      const { project } = installed;
      await rm(join(project, 'out'), { recursive: true, force: true });
      const common = {
        target: 'es2022',
        strict: true,
        experimentalDecorators: true,
        types: ['node'],
        rootDir: '.',
        outDir: 'out',
      };
      const compilerOptions =
        moduleResolution === 'bundler'
          ? { ...common, module: 'esnext', moduleResolution, lib: ['es2023', 'dom'] }
          : { ...common, module: 'nodenext', lib: ['es2023'] };
      await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: [folder] }));
      const { stdout } = await run(process.execPath, [tsc, '-p', '.'], { cwd: project }).catch(
        (error: { stdout: string }) => error,
      );
      // Without skipLibCheck the declarations of the package are checked as well.
      expect(ownErrors(stdout)).toEqual([]);
      expect(await readdir(join(project, 'out'))).toEqual([folder]);
    },
  );

  test.each(CONSUMERS)('the application %s runs as compiled', async (name) => {
    expect(await node(`await import('./out/consumer/${name}.js')`)).toBe('');
  });
});

test('the types are right for every way of resolving them that knows ES modules', async () => {
  const analysis = await checkPackage(createPackageFromTarballData(await readTarball(installed.packed)));
  if (!analysis.types) throw new Error('the package has no types');
  // Resolution before `exports` cannot see subpaths, and CommonJS gets an ES module, by design.
  const byDesign = (problem: (typeof analysis.problems)[number]) =>
    'resolutionKind' in problem && (problem.resolutionKind === 'node10' || problem.kind === 'CJSResolvesToESM');
  expect(analysis.problems.filter((problem) => !byDesign(problem))).toEqual([]);
});
