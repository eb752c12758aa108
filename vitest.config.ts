import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = dirname(fileURLToPath(import.meta.url));
const manifest: { exports: Record<string, string | { default: string }> } = JSON.parse(
  readFileSync(join(here, 'package.json'), 'utf8'),
);

/** The examples import the package by its name; here each of its exports is the source that it is built from. */
const ownExports = Object.entries(manifest.exports).flatMap(([subpath, target]) => {
  if (typeof target === 'string') return [];
  const source = target.default.replace('./dist/', 'src/').replace(/\.js$/, '.ts');
  return [{ find: new RegExp(`^token-sessions${subpath.slice(1)}$`), replacement: join(here, source) }];
});

/**
 * Races, faults and measurements that take minutes. Only `npm run test:all` runs them; a path
 * (`npx vitest run test/faults`) runs any of them.
 */
const SOAK = [
  // The same as `npm run typecheck`.
  'test/architecture/types.test.ts',
  // The blocks also compile in test/docs/compile.test.ts.
  'test/docs/testing.test.ts',
  'test/faults/**/*.test.ts',
  'test/live/{faults,leaks,races,scale,slow}.test.ts',
  // Compiles the applications that use the package.
  'test/package/types.test.ts',
  'test/races/**/*.test.ts',
  'test/testing/node-test.test.ts',
  // Each looks at the whole heap, which is large where files share a worker.
  'test/stores/{memory/size,express-store/leaks}.test.ts',
];

/** What starts servers, browsers, compilers or other processes, or works on files. */
const INTEGRATION = [
  'test/bench/**/*.test.ts',
  'test/client/{agreement,docs}.test.ts',
  'test/client/browser/**/*.test.ts',
  'test/docs/**/*.test.ts',
  'test/examples/**/*.test.ts',
  'test/live/**/*.test.ts',
  'test/migration/**/*.test.ts',
  'test/package/**/*.test.ts',
  'test/playground/**/*.test.ts',
  'test/stores/{express-store,postgres,redis,sqlite}/**/*.test.ts',
  'test/stores/*.test.ts',
];

export default defineConfig(({ mode }) => ({
  resolve: {
    alias: [
      // The copy of graphql that Node gives to Yoga, for everybody: its own checks refuse objects of another.
      { find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) },
      ...ownExports,
    ],
  },
  test: {
    projects: [
      // Most of a file's time is imports, which files of one worker share where they are not isolated.
      {
        extends: true,
        test: { name: 'unit', isolate: false, include: ['test/**/*.test.ts'], exclude: [...INTEGRATION, ...SOAK] },
      },
      { extends: true, test: { name: 'integration', isolate: false, include: INTEGRATION, exclude: SOAK } },
      { extends: true, test: { name: 'soak', include: SOAK } },
    ],
    testTimeout: 20_000,
    // Many tests wait for something. On two cores, three files at a time take a sixth less than two.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    // `vitest run --mode full`: what is small by default, in the size that `.ci/run` has.
    env: mode === 'full' ? { TEST_SIZE: 'full' } : {},
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text', 'json-summary'],
      thresholds: { lines: 95, branches: 95 },
    },
  },
}));
