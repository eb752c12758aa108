import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { VERSION } from '../../src/version.js';
import { callbacksIn, importsOf } from './imports.js';
import { violations } from './rules.js';

const SRC = join(import.meta.dirname, '../../src');

function sources(): Map<string, string> {
  const paths = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
  return new Map(paths.map((path) => [path.replaceAll('\\', '/'), readFileSync(join(SRC, path), 'utf8')]));
}

test('the sources import in one direction, also from floor to floor of the core', () => {
  const files = sources();
  expect(files.size).toBeGreaterThan(20);
  expect(violations(files)).toEqual([]);
});

test('no object of the core is given a function to call up through, where an import could not', () => {
  const found = [...sources()].filter(([path]) => path.startsWith('core/')).flatMap(([path, text]) => callbacksIn(path, text));
  expect(found).toEqual([]);
  expect(callbacksIn('planted.ts', 'export class Queue { constructor(store: Store, report: (error: unknown) => void) {} }')).toEqual([
    'planted.ts: the constructor of Queue is given the function report',
  ]);
});

test('VERSION is that of package.json', () => {
  expect(VERSION).toBe(manifest.version);
});

test.each([
  ['core/kernel/services.ts', `import { bearer } from '../../http/token-source.js';`],
  ['core/kernel/services.ts', `import type { TokenSource } from '../../http/token-source.js';`],
  ['core/kernel/services.ts', `import { memoryStore } from '../../stores/memory/index.js';`],
  ['core/kernel/services.ts', `import { readFileSync } from 'node:fs';`],
  ['core/kernel/services.ts', `import { z } from 'zod';`],
  ['core/data/schema.ts', `import { something } from '@standard-schema/spec';`],
  ['core/store.ts', `import type { JsonValue } from './data/json.js';`],
  ['core/error.ts', `import { isSessionId } from './record/token.js';`],
  ['core/data/json.ts', `import { decodeRecord } from '../record/codec.js';`],
  ['core/record/snapshot.ts', `import type { Settings } from '../kernel/settings.js';`],
  ['core/kernel/lifecycle.ts', `import type { Call } from '../session/call.js';`],
  ['core/session/call.ts', `import { hostOf } from '../../http/host.js';`],
  ['core/new-folder/new.ts', `import { gone } from '../error.js';`],
  ['core/kernel/services.ts', `export * from '../../index.js';`],
  ['core/kernel/services.ts', `const late = await import('../../http/sessions.js');`],
  ['core/kernel/services.ts', `const unknown = await import(name);`],
  ['core/kernel/services.ts', `type Sneaky = import('../../http/sessions.js').Sessions<unknown>;`],
  ['stores/redis/store.ts', `import { Lifecycle } from '../../core/kernel/lifecycle.js';`],
  ['stores/redis/store.ts', `import { createClient } from 'redis';`],
  ['stores/redis/store.ts', `import '../../http/sessions.js';`],
  ['stores/redis/index.ts', `import { statSync } from 'node:fs';`],
  ['stores/redis/index.ts', `import { postgresStore } from '../postgres/index.js';`],
  ['stores/shared/steps.ts', `import { memoryStore } from '../memory/index.js';`],
  ['stores/express-store/legacy.ts', `import { LegacyMove } from '../../legacy/migration.js';`],
  ['http/sessions.ts', `import { trpcSessions } from '../adapters/trpc/index.js';`],
  ['http/sessions.ts', `import { memoryStore } from '../stores/memory/index.js';`],
  ['http/sessions.ts', `import { createServer } from 'node:http';`],
  ['http/sessions.ts', `import { foreignCredentials } from '../legacy/foreign-tokens.js';`],
  ['http/sessions.ts', `import type { LegacyMove } from '../legacy/migration.js';`],
  ['legacy/migration.ts', `import { openRequest } from '../http/request.js';`],
  ['legacy/migration.ts', `import { memoryStore } from '../stores/memory/index.js';`],
  ['version.ts', `import { gone } from './core/error.js';`],
  ['adapters/trpc/index.ts', `import { useSession } from '../yoga/index.js';`],
  ['adapters/trpc/index.ts', `import { memoryStore } from '../../stores/memory.js';`],
  ['adapters/trpc/index.ts', `import { createSessions } from '../../create-sessions.js';`],
  ['adapters/trpc/index.ts', `import { GraphQLError } from 'graphql';`],
  ['adapters/trpc/index.ts', `import { createServices } from '../../core/kernel/services.js';`],
  ['adapters/yoga/index.ts', `import type { LegacySessions } from '../../legacy/legacy-sessions.js';`],
  ['adapters/hono/index.ts', `import { expressSessions } from '../express/index.js';`],
  ['client/index.ts', `import { isSessionError } from '../core/error.js';`],
  ['adapters/yoga/index.ts', `import { createYoga } from 'graphql-yoga';`],
  ['adapters/express/index.ts', `import express from 'express';`],
  ['testing/index.ts', `import { memoryStore } from '../stores/memory/index.js';`],
  ['index.ts', `export { trpcSessions } from './adapters/trpc/index.js';`],
  ['elsewhere/new.ts', ''],
])('a planted violation is found: %s with %s', (file, planted) => {
  expect(violations(new Map([[file, planted]]))).toHaveLength(1);
});

test('imports of types are told from those of values', () => {
  expect(
    importsOf(`
      import type { A } from 'all-types';
      import { type B, type C } from 'each-a-type';
      import { type D, e } from 'mixed';
      import 'effect';
      export type { F } from 'type-export';
      export { type G, h } from 'mixed-export';
    `),
  ).toEqual([
    { specifier: 'all-types', typeOnly: true },
    { specifier: 'each-a-type', typeOnly: true },
    { specifier: 'mixed', typeOnly: false },
    { specifier: 'effect', typeOnly: false },
    { specifier: 'type-export', typeOnly: true },
    { specifier: 'mixed-export', typeOnly: false },
  ]);
});
