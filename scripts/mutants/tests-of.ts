import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../packed.js';

/**
 * The tests of each part of the source. The first matching row counts. The tests `near` it run for
 * each mutant; those `far` from it only for a mutant that the near ones let pass.
 */
const ROWS: readonly { readonly source: string; readonly near: readonly string[]; readonly far: readonly string[] }[] =
  [
    {
      source: 'src/core/record/',
      near: ['test/core/record'],
      far: ['test/core', 'test/legacy', 'test/adapters/rotation/batches.test.ts'],
    },
    { source: 'src/core/data/', near: ['test/core/data'], far: ['test/core', 'test/security/data.test.ts'] },
    {
      source: 'src/core/kernel/',
      near: ['test/core/kernel'],
      far: [
        'test/core',
        'test/legacy',
        'test/security',
        'test/adapters/trpc/live.test.ts',
        'test/stores/accounts.test.ts',
      ],
    },
    {
      source: 'src/core/session/',
      near: ['test/core/session'],
      far: [
        'test/http',
        'test/adapters/trpc',
        'test/adapters/rotation',
        'test/adapters/express',
        'test/adapters/yoga/field-logins.test.ts',
        'test/adapters/yoga/fields.test.ts',
        'test/adapters/yoga/defer-mutations.test.ts',
        'test/oracle',
      ],
    },
    { source: 'src/core/', near: ['test/core'], far: ['test/security', 'test/http'] },
    {
      source: 'src/legacy/',
      near: ['test/legacy'],
      far: ['test/migration', 'test/stores/express-store/legacy-stores.test.ts'],
    },
    {
      source: 'src/http/foreign-request.ts',
      near: ['test/adapters/yoga/request.test.ts'],
      far: ['test/adapters/yoga'],
    },
    {
      source: 'src/http/',
      near: ['test/http'],
      far: [
        'test/adapters/express',
        'test/adapters/hono',
        'test/adapters/next',
        'test/adapters/fastify',
        'test/adapters/apollo',
        'test/adapters/rotation',
        'test/adapters/trpc/guards.test.ts',
        'test/adapters/trpc/errors.test.ts',
        'test/adapters/trpc/response.test.ts',
        'test/adapters/yoga/http.test.ts',
        'test/core/kernel',
        'test/core/session/sessions.test.ts',
      ],
    },
    {
      source: 'src/graphql/',
      near: ['test/adapters/yoga'],
      far: ['test/adapters/apollo', 'test/adapters/rotation', 'test/graphql', 'test/oracle'],
    },
    { source: 'src/adapters/trpc/', near: ['test/adapters/trpc'], far: ['test/adapters/rotation', 'test/security'] },
    { source: 'src/adapters/yoga/', near: ['test/adapters/yoga'], far: ['test/adapters/rotation'] },
    { source: 'src/adapters/apollo/', near: ['test/adapters/apollo'], far: [] },
    { source: 'src/adapters/express/', near: ['test/adapters/express'], far: ['test/adapters/yoga/express.test.ts'] },
    { source: 'src/adapters/fastify/', near: ['test/adapters/fastify'], far: [] },
    { source: 'src/adapters/hono/', near: ['test/adapters/hono'], far: [] },
    { source: 'src/adapters/next/', near: ['test/adapters/next'], far: [] },
    { source: 'src/client/', near: ['test/client'], far: [] },
    { source: 'src/stores/memory/', near: ['test/stores/memory'], far: ['test/core'] },
    {
      source: 'src/stores/express-store/',
      near: [
        'test/stores/express-store/concurrency.test.ts',
        'test/stores/express-store/envelope.test.ts',
        'test/stores/express-store/legacy.test.ts',
        'test/stores/express-store/missing-verbs.test.ts',
        'test/stores/express-store/traps.test.ts',
      ],
      far: ['test/stores/express-store', 'test/legacy'],
    },
    { source: 'src/stores/sqlite/', near: ['test/stores/sqlite'], far: [] },
    { source: 'src/stores/redis/', near: ['test/stores/redis'], far: [] },
    { source: 'src/stores/postgres/', near: ['test/stores/postgres'], far: [] },
    {
      source: 'src/stores/shared/',
      near: ['test/stores/kinds.test.ts', 'test/stores/shared', 'test/stores/memory'],
      far: [
        'test/stores/sqlite',
        'test/stores/redis/notifications.test.ts',
        'test/stores/postgres/notifications.test.ts',
        'test/stores/postgres/pglite.test.ts',
        'test/stores/postgres/options.test.ts',
      ],
    },
    { source: 'src/', near: ['test/core'], far: ['test/http'] },
  ];

/** Compilers, browsers and measurements: too slow for each mutant, or not about what it does. */
const LEFT_OUT = /types\.test\.ts$|size\.test\.ts$|\/browser\/|client\/docs\.test/;

/** The paths of the test files for a source file, near ones first. */
export function testsOf(source: string): { readonly near: string[]; readonly far: string[] } {
  const row = ROWS.find((each) => source.startsWith(each.source));
  if (!row) throw new Error(`${source}: no row of scripts/mutants/tests-of.ts names its tests`);
  const near = row.near.flatMap(filesIn);
  const far = row.far.flatMap(filesIn).filter((path) => !near.includes(path));
  return { near: [...new Set(near)], far: [...new Set(far)] };
}

function filesIn(path: string): string[] {
  if (path.endsWith('.test.ts')) return [path];
  return readdirSync(join(ROOT, path), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `${path}/${name}`)
    .filter((file) => !LEFT_OUT.test(file))
    .sort();
}
