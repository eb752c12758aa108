import { setImmediate } from 'node:timers/promises';
import { GraphQLError } from 'graphql';
import { describe, expect, test } from 'vitest';
import { requireSession } from '../../../src/adapters/yoga/index.js';
import type { SessionContext } from '../../../src/index.js';
import { gate } from '../../support/gate.js';
import type { Data } from './support/app.js';
import { bearer, codesOf, type Result } from './support/client.js';
import { setUp } from './support/envelop.js';

describe('a subscription of graphql-js', () => {
  async function all(results: AsyncIterable<Result>): Promise<Result[]> {
    const parts: Result[] = [];
    for await (const each of results) parts.push(each);
    return parts;
  }

  test('saves the changes of its body', async () => {
    const { run, token, stored } = await setUp();
    const results = await run('subscription { watch(op: "changes") }', { req: { headers: bearer(token) } });
    expect(await all(results)).toEqual([{ data: { watch: 'one' } }]);
    expect(await stored()).toMatchObject({ theme: 'dark', views: 1 });
  });

  test('shows clients only the code if its body throws one of our errors', async () => {
    const { run } = await setUp();
    const results = await run('subscription { watch(op: "refused") }', { req: { headers: {} } });
    expect((await all(results)).map(codesOf)).toEqual([[], ['UNAUTHENTICATED']]);
  });

  test('invariant 11: saves no change since the last event if its body throws', async () => {
    const { run, token, stored } = await setUp();
    const results = await run('subscription { watch(op: "broken") }', { req: { headers: bearer(token) } });
    const iterator = results[Symbol.asyncIterator]();
    await iterator.next();
    await expect(iterator.next()).rejects.toThrow('of the application');
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    await iterator.return?.();
    expect((await stored())?.theme).toBe('light');
  });

  test('rule 18: saves what its body changes when the client leaves', async () => {
    const changes = async function* (ctx: SessionContext<Data>) {
      try {
        yield 'one';
      } finally {
        requireSession(ctx).data.theme = 'dark';
      }
    };
    const { run, token, stored } = await setUp({}, [], [], { watch: { changes } });
    const results = await run('subscription { watch(op: "changes") }', { req: { headers: bearer(token) } });
    const iterator = results[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.return?.();
    expect(await stored()).toMatchObject({ theme: 'dark' });
  });

  test('rule 18: saves nothing of a failing event whose client has left', async () => {
    const [begun, wait] = [gate(), gate()];
    const changes = async function* (ctx: SessionContext<Data>) {
      try {
        yield 'one';
      } finally {
        requireSession(ctx).data.theme = 'dark';
      }
    };
    const failing = async (ctx: SessionContext<Data>) => {
      requireSession(ctx).data.role = 'admin';
      begun.open();
      await wait.opened;
      throw new GraphQLError('refused');
    };
    const { run, token, stored, store } = await setUp({}, [], [], { watch: { changes }, event: { changes: failing } });
    const results = await run('subscription { watch(op: "changes") }', { req: { headers: bearer(token) } });
    const iterator = results[Symbol.asyncIterator]();
    const event = iterator.next();
    await begun.opened;
    // GraphQL 16 answers now, and 17 waits for the event.
    const left = iterator.return?.();
    await setImmediate();
    expect(store.calls.replace).toBe(0);
    wait.open();
    expect(await left).toEqual({ done: true, value: undefined });
    expect((await event).value?.errors).toMatchObject([{ message: 'refused' }]);
    expect(await stored()).toEqual({ userId: 'ann', theme: 'light', views: 0 });
  });

  test.each(['return', 'throw'] as const)('ends with %s', async (method) => {
    const { run, token, stored } = await setUp();
    const results = await run('subscription { watch(op: "changes") }', { req: { headers: bearer(token) } });
    const iterator = results[Symbol.asyncIterator]();
    await iterator.next();
    const ended = Promise.resolve(iterator[method]?.(new Error('of the client')));
    if (method === 'return') expect(await ended).toEqual({ done: true, value: undefined });
    else await expect(ended).rejects.toThrow('of the client');
    expect((await iterator.next()).done).toBe(true);
    expect((await stored())?.views).toBe(1);
  });
});
