import { useDeferStream } from '@graphql-yoga/plugin-defer-stream';
import { GraphQLError } from 'graphql';
import { describe, expect, test, vi } from 'vitest';
import { requireSession } from '../../../src/adapters/yoga/index.js';
import { header, type SessionContext } from '../../../src/index.js';
import { gate } from '../../support/gate.js';
import type { Data, Handlers } from './support/app.js';
import { bearer } from './support/client.js';
import { startYoga } from './support/setup.js';
import { darken, MULTIPART, OUTAGE, stream } from './support/streaming.js';

describe('@defer', () => {
  async function startDeferring(run: Handlers['run'], ...options: Parameters<typeof startYoga>[2][]) {
    const server = await startYoga(
      { run: { first: () => 'first', darken, ...run } },
      { plugins: [useDeferStream()] },
      ...options,
    );
    const defer = (first: string, later: string, headers: Record<string, string> = bearer(server.token)) =>
      stream(server.endpoint, `{ run(op: "${first}") node { ... @defer { later: ${later} } } }`, {
        ...MULTIPART,
        ...headers,
      });
    return { ...server, defer };
  }

  test('rule 18: the changes of all parts of a query are saved together after the last one', async () => {
    const wait = gate();
    const visit = async (ctx: SessionContext<Data>) => {
      await wait.opened;
      requireSession(ctx).data.views = 1;
      return 'visited';
    };
    const { defer, store, stored } = await startDeferring({ visit });
    const { until, all, response } = await defer('darken', 'run(op: "visit")');
    expect(await until(1)).toMatchObject([{ data: { run: 'done', node: {} } }]);
    // A stream looks the session up once more, so that no end is missed between the load and the
    // watching.
    expect(store.calls).toMatchObject({ find: 2, replace: 0 });
    expect(await stored()).toMatchObject({ theme: 'light', views: 0 });
    wait.open();
    expect((await all())[1]).toMatchObject({ incremental: [{ data: { later: 'visited' } }] });
    expect(await stored()).toMatchObject({ theme: 'dark', views: 1 });
    expect(store.calls.replace).toBe(1);
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  test('rule 18: a failing part drops its changes, and changes of an unknown part', async () => {
    const warnings: string[] = [];
    const logger = { warn: (message: string) => void warnings.push(message), error: () => undefined };
    const late = async (ctx: SessionContext<Data>) => {
      await new Promise(setImmediate);
      return darken(ctx);
    };
    const fail = async (ctx: SessionContext<Data>) => {
      requireSession(ctx).data.views = 9;
      await new Promise(setImmediate);
      requireSession(ctx).data.role = 'admin';
      throw new GraphQLError('refused');
    };
    const { defer, stored } = await startDeferring({ fail, late }, { logger });
    const parts = await (await defer('late', 'run(op: "fail")')).all();
    expect(parts[0]).toMatchObject({ data: { run: 'done' } });
    expect(JSON.stringify(parts)).toContain('refused');
    expect(await stored()).toEqual({ userId: 'ann', theme: 'light', views: 0 });
    expect(warnings).toEqual([expect.stringContaining('use update() for such changes')]);
  });

  test('rule 18: nothing is saved of an operation whose client left before the last part', async () => {
    const warnings: string[] = [];
    const logger = { warn: (message: string) => void warnings.push(message), error: () => undefined };
    const wait = gate();
    const ended = vi.fn();
    const escalate = async (ctx: SessionContext<Data>) => {
      requireSession(ctx).data.role = 'admin';
      await wait.opened;
      ended();
      throw new GraphQLError('refused');
    };
    const { defer, stored } = await startDeferring({ escalate }, { logger });
    const { until, leave } = await defer('darken', 'run(op: "escalate")');
    await until(1);
    leave();
    await vi.waitFor(() => expect(warnings).toEqual([expect.stringContaining('use update() for such changes')]));
    wait.open();
    await vi.waitFor(() => expect(ended).toHaveBeenCalled());
    expect(await stored()).toEqual({ userId: 'ann', theme: 'light', views: 0 });
  });

  test('invariant 11: nothing is saved if the first part has no data', async () => {
    const { endpoint, token, store } = await startDeferring({
      fail: () => {
        throw new GraphQLError('refused');
      },
    });
    const query = '{ run(op: "darken") required(op: "fail") node { ... @defer { later: run(op: "first") } } }';
    const { all } = await stream(endpoint, query, { ...MULTIPART, ...bearer(token) });
    expect((await all())[0]).toMatchObject({ data: null, errors: [{ message: 'refused' }] });
    expect(store.calls.replace).toBe(0);
  });

  test('rule 18: a failing save is an error of the last part, and the changes are dropped', async () => {
    const wait = gate();
    const late = async (ctx: SessionContext<Data>) => {
      await wait.opened;
      return darken(ctx);
    };
    const { defer, store, stored } = await startDeferring({ late });
    const { until, all } = await defer('first', 'run(op: "late")');
    await until(1);
    store.before = OUTAGE;
    wait.open();
    const parts = await all();
    expect(parts.at(-1)).toMatchObject({ hasNext: false });
    expect(JSON.stringify(parts.at(-1))).toContain('SERVICE_UNAVAILABLE');
    expect(JSON.stringify(parts)).not.toContain('db.internal');
    store.before = undefined;
    expect((await stored())?.theme).toBe('light');
  });

  test('our errors in later parts have their code, without anything of HTTP', async () => {
    const { defer } = await startDeferring({ me: (ctx) => requireSession(ctx).data.userId });
    const { all, response } = await defer('first', 'run(op: "me")', {});
    const [, later] = await all();
    expect(response.status).toBe(200);
    expect(later?.incremental?.[0]?.errors).toEqual([
      expect.objectContaining({ extensions: { code: 'UNAUTHENTICATED' } }),
    ]);
  });

  test('a source can no longer write to the response: a login in a later part creates nothing', async () => {
    const wait = gate();
    const login = async ({ sessions }: SessionContext<Data>) => {
      await wait.opened;
      return (await sessions.create({ userId: 'bob', theme: 'light', views: 0 })).token;
    };
    const { defer, store } = await startDeferring({ login }, { sources: [header('x-auth-token', { respond: true })] });
    const { until, all } = await defer('first', 'run(op: "login")', {});
    await until(1);
    wait.open();
    expect((await all())[1]?.incremental?.[0]?.errors?.[0]?.extensions?.code).toBe('INTERNAL_SERVER_ERROR');
    expect(store.calls.insert).toBe(0);
  });
});
