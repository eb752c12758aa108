import { createClient } from 'graphql-sse';
import { createHandler } from 'graphql-sse/lib/use/http';
import { createYoga } from 'graphql-yoga';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { requireSession, useSession } from '../../../src/adapters/yoga/index.js';
import type { SessionContext } from '../../../src/index.js';
import { listenInTest } from '../../support/http.js';
import { type Data, makeSchema } from './support/app.js';
import { bearer } from './support/client.js';
import { makeSessions } from './support/setup.js';

const changes = async function* (ctx: SessionContext<Data>) {
  requireSession(ctx).data.theme = 'dark';
  yield 'one';
  requireSession(ctx).data.views = 1;
};

/** graphql-sse in front of a Yoga, as in its documentation for Envelop. */
async function startSse(contextOf: (request: { raw: object }) => Record<string, unknown>) {
  const made = await makeSessions();
  const schema = makeSchema({ watch: { changes }, run: { me: (ctx) => requireSession(ctx).data.userId } });
  const yoga = createYoga({ schema, logging: false, plugins: [useSession(made.sessions)] });
  const handler = createHandler({
    onSubscribe: async (request, params) => {
      const enveloped = yoga.getEnveloped(contextOf(request));
      const args = {
        schema: enveloped.schema,
        document: enveloped.parse(params.query),
        contextValue: await enveloped.contextFactory(),
        variableValues: params.variables,
      };
      return params.query.startsWith('subscription') ? enveloped.subscribe(args) : enveloped.execute(args);
    },
  });
  const { url } = await listenInTest((request, response) => void handler(request, response));
  const results = async (query: string, headers: Record<string, string>) => {
    const client = createClient({ url, headers, retryAttempts: 0 });
    onTestFinished(() => client.dispose());
    const all: unknown[] = [];
    for await (const result of client.iterate({ query })) all.push(result);
    return all;
  };
  return { ...made, results };
}

describe.each([
  ['the request of Node', ({ raw }: { raw: object }) => ({ req: raw })],
  ['its own request', (request: { raw: object }) => ({ req: request })],
])('graphql-sse, with %s on the context', (_, contextOf) => {
  test('a subscription saves the changes of its body', async () => {
    const { results, token, stored, store } = await startSse(contextOf);
    expect(await results('subscription { watch(op: "changes") }', bearer(token))).toEqual([
      { data: { watch: 'one' } },
    ]);
    expect(await stored()).toMatchObject({ theme: 'dark', views: 1 });
    expect(store.calls.replace).toBe(2);
  });

  test('errors have their code, without anything of HTTP', async () => {
    const { results } = await startSse(contextOf);
    const [result] = await results('{ run(op: "me") }', {});
    expect(result).toMatchObject({ data: { run: null }, errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
    expect(JSON.stringify(result)).not.toContain('http');
  });

  test('invariant 6: an outage is reported as an outage', async () => {
    const { results, token, store } = await startSse(contextOf);
    store.before = vi.fn(() => {
      throw new Error('connection refused by db.internal');
    });
    const [result] = await results('subscription { watch(op: "changes") }', bearer(token));
    expect(result).toMatchObject({ errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] });
  });
});
