import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { importsOf } from './imports.js';
import { circles, violations } from './rules.js';

const SRC = join(import.meta.dirname, '../../src');

function sources(): Map<string, string> {
  const paths = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
  return new Map(paths.map((path) => [path.replaceAll('\\', '/'), readFileSync(join(SRC, path), 'utf8')]));
}

test('the sources import in one direction: core <- stores, core <- http <- adapters, and downwards inside core', () => {
  const files = sources();
  expect(files.size).toBeGreaterThan(20);
  expect(violations(files)).toEqual([]);
});

test('no files import each other in a circle', () => {
  expect(circles(sources())).toEqual([]);
});

test('a planted circle is found', () => {
  const planted = new Map([
    ['core/a.ts', `import { b } from './b.js';`],
    ['core/b.ts', `import { c } from './c.js'; import type { A } from './a.js';`],
    ['core/c.ts', `export { a } from './a.js';`],
  ]);
  expect(circles(planted)).toEqual(['core/a.ts > core/b.ts > core/c.ts > core/a.ts']);
});

test.each([
  ['core/kernel/kernel.ts', `import { bearer } from '../../http/token-source.js';`],
  ['core/kernel/kernel.ts', `import type { TokenSource } from '../../http/token-source.js';`],
  ['core/kernel/kernel.ts', `import { memoryStore } from '../../stores/memory/index.js';`],
  ['core/kernel/kernel.ts', `import { readFileSync } from 'node:fs';`],
  ['core/kernel/kernel.ts', `import { z } from 'zod';`],
  ['core/data/schema.ts', `import { something } from '@standard-schema/spec';`],
  ['core/kernel/kernel.ts', `export * from '../../index.js';`],
  ['core/kernel/kernel.ts', `const late = await import('../../http/sessions.js');`],
  ['core/kernel/kernel.ts', `const unknown = await import(name);`],
  ['core/kernel/kernel.ts', `type Sneaky = import('../../http/sessions.js').Sessions<unknown>;`],
  ['core/store.ts', `import type { JsonValue } from './data/json.js';`],
  ['core/data/json.ts', `import { decodeRecord } from '../record/codec.js';`],
  ['core/record/snapshot.ts', `import type { Settings } from '../kernel/settings.js';`],
  ['core/kernel/reader.ts', `import type { Call } from '../session/call.js';`],
  ['core/session/call.ts', `import { LegacyMove } from '../../legacy/migration.js';`],
  ['legacy/migration.ts', `import { hostOf } from '../http/host.js';`],
  ['legacy/migration.ts', `import type { ProcedureCall } from '../adapters/trpc/call.js';`],
  ['client/index.ts', `import { SessionError } from '../core/error.js';`],
  ['version.ts', `import { SessionError } from './core/error.js';`],
  ['stores/redis.ts', `import { Kernel } from '../core/kernel/kernel.js';`],
  ['stores/redis.ts', `import { createClient } from 'redis';`],
  ['stores/redis.ts', `import '../http/sessions.js';`],
  ['stores/redis/index.ts', `import { statSync } from 'node:fs';`],
  ['http/sessions.ts', `import { trpcSessions } from '../adapters/trpc/index.js';`],
  ['http/sessions.ts', `import { memoryStore } from '../stores/memory/index.js';`],
  ['http/sessions.ts', `import { createServer } from 'node:http';`],
  ['adapters/trpc/index.ts', `import { useSession } from '../yoga/index.js';`],
  ['adapters/hono/index.ts', `import { fastifySessions } from '../fastify/index.js';`],
  ['adapters/hono/index.ts', `import { Hono } from 'hono';`],
  ['adapters/fastify/index.ts', `import fastify from 'fastify';`],
  ['adapters/apollo/index.ts', `import { ApolloServer } from '@apollo/server';`],
  ['adapters/apollo/index.ts', `import { redisStore } from '../../stores/redis/index.js';`],
  ['graphql/call.ts', `import { useSession } from '../adapters/yoga/index.js';`],
  ['http/handle.ts', `import { toGraphQLError } from '../graphql/errors.js';`],
  ['adapters/trpc/index.ts', `import { memoryStore } from '../../stores/memory.js';`],
  ['adapters/trpc/index.ts', `import { createSessions } from '../../create-sessions.js';`],
  ['adapters/trpc/index.ts', `import { GraphQLError } from 'graphql';`],
  ['adapters/yoga/index.ts', `import { createYoga } from 'graphql-yoga';`],
  ['adapters/express/index.ts', `import express from 'express';`],
  ['client/index.ts', `import { SessionError } from '../core/error.js';`],
  ['client/index.ts', `import type { Duration } from '../core/duration.js';`],
  ['client/index.ts', `import { randomUUID } from 'node:crypto';`],
  ['client/index.ts', `import { observable } from '@trpc/server/observable';`],
  ['testing/index.ts', `import { memoryStore } from '../stores/memory/index.js';`],
  ['index.ts', `export { trpcSessions } from './adapters/trpc/index.js';`],
  ['elsewhere/new.ts', ''],
])('a planted violation is found: %s with %s', (file, planted) => {
  expect(violations(new Map([[file, planted]]))).toHaveLength(1);
});

test('imports of types are distinguished from those of values', () => {
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
