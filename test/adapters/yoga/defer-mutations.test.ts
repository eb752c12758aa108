import { useDeferStream } from '@graphql-yoga/plugin-defer-stream';
import { GraphQLError } from 'graphql';
import { describe, expect, test, vi } from 'vitest';
import { requireSession } from '../../../src/adapters/yoga/index.js';
import type { SessionContext } from '../../../src/index.js';
import { gate } from '../../support/gate.js';
import { ANN, type Data } from './support/app.js';
import { bearer } from './support/client.js';
import { startYoga } from './support/setup.js';
import { darken, MULTIPART, OUTAGE, stream } from './support/streaming.js';

/** A Yoga whose mutations can come in parts. The field `wait` answers when the gate opens. */
async function setUp() {
  const wait = gate();
  const warnings: string[] = [];
  const logger = { warn: (message: string) => void warnings.push(message), error: () => undefined };
  const server = await startYoga(
    {
      run: {
        darken,
        views: (ctx) => {
          requireSession(ctx).data.views += 1;
          return 'counted';
        },
        promote: (ctx) => {
          requireSession(ctx).data.role = 'admin';
          return 'promoted';
        },
        promoteAndFail: (ctx) => {
          requireSession(ctx).data.role = 'admin';
          throw new GraphQLError('refused');
        },
        login: async ({ sessions }, value) => (await sessions.create({ ...ANN, userId: value })).token,
        wait: async () => {
          await wait.opened;
          return 'waited';
        },
        waitAndFail: async () => {
          await wait.opened;
          throw new GraphQLError('refused');
        },
        waitAndDarken: async (ctx: SessionContext<Data>) => {
          await wait.opened;
          return darken(ctx);
        },
      },
    },
    { plugins: [useDeferStream()] },
    { logger },
  );
  const mutate = (fields: string) =>
    stream(server.endpoint, `mutation { ${fields} }`, { ...MULTIPART, ...bearer(server.token) });
  /** Sends a mutation whose parts need not wait, and returns all of them. */
  const finish = async (fields: string) => {
    const { all } = await mutate(fields);
    wait.open();
    return all();
  };
  return { ...server, mutate, finish, wait, warnings };
}

const DROPPED = [expect.stringContaining('use update() for such changes')];

describe('rule 18: a mutation that comes in parts', () => {
  test('saves its root fields up to the first one that defers with the initial result, and the rest at the end', async () => {
    const { mutate, stored, wait, warnings } = await setUp();
    const { until, all } = await mutate(
      'run(op: "darken") node { run(op: "promote") ... @defer { later: run(op: "wait") } } after: run(op: "views")',
    );
    expect(await until(1)).toMatchObject([{ data: { run: 'done', node: { run: 'promoted' }, after: 'counted' } }]);
    expect(await stored()).toMatchObject({ theme: 'dark', views: 0 });
    wait.open();
    await all();
    expect(await stored()).toEqual({ ...ANN, theme: 'dark', views: 1, role: 'admin' });
    expect(warnings).toEqual([]);
  });

  test('saves the changes of several fields after the first one that defers', async () => {
    const { finish, stored, warnings } = await setUp();
    await finish(
      'node { ... @defer { later: run(op: "wait") } } a: run(op: "views") b: run(op: "promote") c: run(op: "darken")',
    );
    expect(await stored()).toEqual({ ...ANN, views: 1, role: 'admin', theme: 'dark' });
    expect(warnings).toEqual([]);
  });

  test('drops the changes after the first field that defers if a part fails, but not those before', async () => {
    const { finish, stored, warnings } = await setUp();
    const parts = await finish(
      'run(op: "darken") node { ... @defer { later: run(op: "waitAndFail") } } after: run(op: "views")',
    );
    expect(JSON.stringify(parts)).toContain('refused');
    expect(await stored()).toEqual({ ...ANN, theme: 'dark' });
    expect(warnings).toEqual(DROPPED);
  });

  test('saves its root fields when a client leaves before the last part', async () => {
    const { mutate, stored, wait, warnings } = await setUp();
    const { until, leave } = await mutate(
      'run(op: "darken") node { ... @defer { later: run(op: "wait") } } after: run(op: "views")',
    );
    await until(1);
    leave();
    await vi.waitFor(() => expect(warnings).toEqual(DROPPED));
    wait.open();
    expect(await stored()).toEqual({ ...ANN, theme: 'dark' });
  });

  test('saves the change that the resolver of a part made before it first waited, though another part fails', async () => {
    const { finish, stored, warnings } = await setUp();
    await finish('node { ... @defer { a: run(op: "promote") } ... @defer { b: run(op: "waitAndFail") } }');
    expect(await stored()).toEqual({ ...ANN, role: 'admin' });
    expect(warnings).toEqual([]);
  });

  test('drops the change of a part that waited first, if another part fails', async () => {
    const { finish, stored, warnings } = await setUp();
    await finish('node { ... @defer { a: run(op: "waitAndDarken") } ... @defer { b: run(op: "waitAndFail") } }');
    expect(await stored()).toEqual(ANN);
    expect(warnings).toEqual(DROPPED);
  });

  test('drops the changes of a root field that failed, and saves those of the others', async () => {
    const { mutate, stored, wait } = await setUp();
    const { until, all } = await mutate(
      'bad: run(op: "promoteAndFail") good: run(op: "darken") node { ... @defer { later: run(op: "wait") } }',
    );
    await until(1);
    expect(await stored()).toEqual({ ...ANN, theme: 'dark' });
    wait.open();
    await all();
    expect(await stored()).toEqual({ ...ANN, theme: 'dark' });
  });

  test('keeps the login of a field before the first one that defers, though a part fails', async () => {
    const { mutate, sessions, token, wait } = await setUp();
    const { until, all } = await mutate(
      'run(op: "login", value: "bob") node { ... @defer { later: run(op: "waitAndFail") } }',
    );
    const [initial] = await until(1);
    const created = Object(initial?.data).run;
    wait.open();
    await all();
    expect((await sessions.fromToken(created)).session?.data.userId).toBe('bob');
    expect((await sessions.fromToken(token)).session).toBeNull();
  });

  test('keeps the login of a field before the first one that defers, though the client leaves early', async () => {
    const { mutate, sessions, token, wait } = await setUp();
    const { until, leave } = await mutate(
      'run(op: "login", value: "bob") node { ... @defer { later: run(op: "wait") } }',
    );
    const [initial] = await until(1);
    leave();
    await vi.waitFor(async () => expect((await sessions.fromToken(token)).session).toBeNull());
    wait.open();
    expect((await sessions.fromToken(Object(initial?.data).run)).session?.data.userId).toBe('bob');
  });

  test('saves nothing at the end if the fields of the initial result cannot be saved', async () => {
    const { mutate, stored, store, wait, warnings } = await setUp();
    store.before = (verb) => (verb === 'replace' ? OUTAGE() : undefined);
    const { until, all } = await mutate(
      'run(op: "darken") node { ... @defer { later: run(op: "wait") } } after: run(op: "views")',
    );
    const [initial] = await until(1);
    expect(initial).toMatchObject({ data: null, errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] });
    store.before = undefined;
    wait.open();
    await all();
    expect(await stored()).toEqual(ANN);
    expect(warnings).toEqual(DROPPED);
  });
});
