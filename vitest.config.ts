import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const src = (path: string) => join(here, 'src', path);

export default defineConfig({
  resolve: {
    alias: [
      // One copy of graphql for everybody: its own checks refuse objects of another.
      { find: /^graphql$/, replacement: join(dirname(require.resolve('graphql/package.json')), 'index.mjs') },
      // The examples import the package by its name; here they run on the sources.
      { find: /^token-sessions$/, replacement: src('index.ts') },
      { find: /^token-sessions\/(trpc|yoga|express)$/, replacement: src('adapters/$1/index.ts') },
      { find: /^token-sessions\/(redis|postgres|sqlite|express-store)$/, replacement: src('stores/$1/index.ts') },
      { find: /^token-sessions\/testing$/, replacement: src('testing/index.ts') },
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
