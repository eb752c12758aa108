import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = dirname(fileURLToPath(import.meta.url));
const manifest: { exports: Record<string, string | { default: string }> } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));

/** The examples import the package by its name; here each of its exports is the source that it is built from. */
const ownExports = Object.entries(manifest.exports).flatMap(([subpath, target]) => {
  if (typeof target === 'string') return [];
  const source = target.default.replace('./dist/', 'src/').replace(/\.js$/, '.ts');
  return [{ find: new RegExp(`^token-sessions${subpath.slice(1)}$`), replacement: join(here, source) }];
});

export default defineConfig({
  resolve: {
    alias: [
      // The copy of graphql that Node gives to Yoga, for everybody: its own checks refuse objects of another.
      { find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) },
      ...ownExports,
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text', 'json-summary'],
      thresholds: { lines: 95, branches: 95 },
    },
  },
});
