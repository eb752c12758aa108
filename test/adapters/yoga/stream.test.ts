import { GraphQLError } from 'graphql';
import { describe, expect, test, vi } from 'vitest';
import { requireSession } from '../../../src/adapters/yoga/index.js';
import type { SessionContext } from '../../../src/index.js';
import { gate } from '../../support/gate.js';
import type { Data, Handlers } from './support/app.js';
import { bearer } from './support/client.js';
import { startYoga } from './support/setup.js';
import { OUTAGE, SSE, stream } from './support/streaming.js';

describe('a subscription over SSE', () => {
  const asAnn = (server: { endpoint: string; token: string }, op: string) =>
    stream(server.endpoint, `subscription { watch(op: "${op}") }`, { ...SSE, ...bearer(server.token) });

  test('saves the changes of its body and its resolvers with each event, and at the end', async () => {
    const wait = gate();
    const server = await startYoga({
      watch: {
        changes: async function* (ctx) {
          const session = requireSession(ctx);
          session.data.theme = 'dark';
          yield 'one';
          await wait.opened;
          yield 'two';
          session.data.role = 'leaver';
        },
      },
      event: {
        changes: (ctx, value) => {
          requireSession(ctx).data.views += 1;
          return value;
        },
      },
    });
    const { until, all, response } = await asAnn(server, 'changes');
    expect(await until(1)).toEqual([{ data: { watch: 'one' } }]);
    expect(await server.stored()).toEqual({ userId: 'ann', theme: 'dark', views: 1 });
    wait.open();
    expect(await all()).toHaveLength(2);
    expect(await server.stored()).toEqual({ userId: 'ann', theme: 'dark', views: 2, role: 'leaver' });
    expect(server.store.calls.replace).toBe(3);
    expect(response.headers.get('cache-control')).toContain('no-store');
  });

  test('invariant 11: a later event does not save the changes of a failed one', async () => {
    const server = await startYoga({
      watch: {
        changes: async function* () {
          yield 'bad';
          yield 'good';
        },
      },
      event: {
        changes: (ctx, value) => {
          const session = requireSession(ctx);
          if (value === 'good') session.data.views = 1;
          else session.data.role = 'admin';
          if (value === 'bad') throw new GraphQLError('refused');
          return value;
        },
      },
    });
    expect(await (await asAnn(server, 'changes')).all()).toMatchObject([
      { errors: [{ message: 'refused' }] },
      { data: { watch: 'good' } },
    ]);
    expect(await server.stored()).toEqual({ userId: 'ann', theme: 'light', views: 1 });
  });

  test('an event whose change cannot be saved is an error, and the subscription continues', async () => {
    const errors: string[] = [];
    const logger = { warn: () => undefined, error: (line: string) => void errors.push(line) };
    const watch: Handlers['watch'] = {
      changes: async function* (ctx) {
        server.store.before = OUTAGE;
        requireSession(ctx).data.theme = 'dark';
        yield 'one';
        server.store.before = undefined;
        yield 'two';
      },
    };
    const server = await startYoga({ watch }, {}, { logger });
    const parts = await (await asAnn(server, 'changes')).all();
    expect(parts).toMatchObject([
      { data: null, errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] },
      { data: { watch: 'two' } },
    ]);
    expect((await server.stored())?.theme).toBe('light');
    // The client has learnt of the failure, so the log need not.
    expect(errors.filter((line) => line.includes('changes of an operation'))).toEqual([]);
  });

  test('rule 18: a login of its body takes effect immediately, and the stream goes on', async () => {
    const wait = gate();
    const server = await startYoga({
      watch: {
        changes: async function* ({ sessions }) {
          yield (await sessions.create({ userId: 'bob', theme: 'light', views: 0 })).token;
          await wait.opened;
          yield 'two';
        },
      },
    });
    const { until, all } = await asAnn(server, 'changes');
    const [first] = await until(1);
    expect(await server.stored()).toBeUndefined();
    expect((await server.stored(Object(first?.data).watch))?.userId).toBe('bob');
    wait.open();
    expect(await all()).toMatchObject([{}, { data: { watch: 'two' } }]);
  });

  test('a failing save at the end is reported as a last event', async () => {
    const server = await startYoga({
      watch: {
        changes: async function* (ctx) {
          yield 'one';
          server.store.before = OUTAGE;
          requireSession(ctx).data.theme = 'dark';
        },
      },
    });
    const parts = await (await asAnn(server, 'changes')).all();
    expect(parts).toMatchObject([
      { data: { watch: 'one' } },
      { data: null, errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] },
    ]);
  });

  test('changes of its body after the client has left are saved', async () => {
    const { server, left } = await startLeaving(() => undefined);
    await left();
    await vi.waitFor(async () => expect((await server.stored())?.theme).toBe('dark'));
  });

  test('a failing save after the client has left is logged', async () => {
    const errors: string[] = [];
    const { server, left } = await startLeaving(() => {
      server.store.before = OUTAGE;
    }, errors);
    await left();
    await vi.waitFor(() => expect(errors.join()).toContain('the changes of an operation could not be saved'));
  });

  /** A subscription whose body runs for ever, and changes the session when its client has left. */
  async function startLeaving(before: () => void, errors: string[] = []) {
    const logger = { warn: () => undefined, error: (message: string) => void errors.push(message) };
    const endless = async function* (ctx: SessionContext<Data>) {
      try {
        for (;;) {
          yield 'on';
          await new Promise(setImmediate);
        }
      } finally {
        before();
        requireSession(ctx).data.theme = 'dark';
      }
    };
    const server = await startYoga({ watch: { endless } }, {}, { logger });
    const left = async () => {
      const { until, leave } = await asAnn(server, 'endless');
      await until(2);
      leave();
    };
    return { server, left };
  }

  async function* never(): AsyncGenerator<string> {
    yield '';
  }

  test('reports our errors from its body by their code', async () => {
    const server = await startYoga({
      watch: {
        refused: (ctx) => {
          requireSession(ctx);
          return never();
        },
        later: async function* (ctx) {
          yield 'one';
          yield requireSession(ctx).id;
        },
      },
    });
    const refused = await stream(server.endpoint, 'subscription { watch(op: "refused") }', SSE);
    expect([refused.response.status, refused.response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(await refused.all()).toMatchObject([{ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] }]);
    const later = await (await stream(server.endpoint, 'subscription { watch(op: "later") }', SSE)).all();
    expect(later[1]?.errors).toEqual([expect.objectContaining({ extensions: { code: 'UNAUTHENTICATED' } })]);
  });

  test('invariant 6: does not begin in an outage', async () => {
    const watch = vi.fn(() => never());
    const server = await startYoga({ watch: { changes: watch } });
    server.store.before = OUTAGE;
    const { response, all } = await asAnn(server, 'changes');
    expect(response.status).toBe(503);
    expect(await all()).toMatchObject([{ errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] }]);
    expect(watch).not.toHaveBeenCalled();
  });
});
