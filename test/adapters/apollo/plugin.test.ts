import { ApolloServer, type ApolloServerOptionsWithGateway, type ApolloServerPlugin } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { execute, type GraphQLSchema } from 'graphql';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { apolloSessions } from '../../../src/adapters/apollo/index.js';
import { createSessions, requireSession, type SessionContext } from '../../../src/index.js';
import { collector } from '../../support/collect.js';
import { ANN, type Data, type Handlers, makeSchema } from '../yoga/support/app.js';
import { bearer, post, resultOf } from '../yoga/support/client.js';
import { makeSessions } from '../yoga/support/setup.js';
import { run } from './support/setup.js';

test.each([false, true])(
  'a server without the plugin is warned about once, one with it is not (%s)',
  async (isInstalled) => {
    const warnings: string[] = [];
    const logger = { warn: (text: string) => warnings.push(text), error: () => undefined };
    const { plugin, context } = apolloSessions(createSessions<Data>({ logger }));
    const server = new ApolloServer<SessionContext<Data>>({
      schema: makeSchema<Data>({ run: { news: () => 'news' } }),
      plugins: isInstalled ? [plugin] : [],
    });
    const { url } = await startStandaloneServer(server, { context, listen: { port: 0 } });
    onTestFinished(() => server.stop());
    const collect = collector();
    for (let count = 0; count < 3; count += 1)
      expect(resultOf(await post(url, { query: '{ run(op: "news") }' }))).toEqual({ data: { run: 'news' } });
    const missing = expect.stringContaining('the option plugins of ApolloServer');
    if (!isInstalled) {
      await vi.waitFor(() => {
        collect();
        expect(warnings).toEqual([missing]);
      });
    }
    for (let count = 0; count < 3; count += 1) {
      collect();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(warnings).toEqual(isInstalled ? [] : [missing]);
  },
);

const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A server whose resolvers are those of the other tests, and `more`. */
async function startServer({ more = {}, plugins = [] }: { more?: Handlers['run']; plugins?: SessionServerPlugin[] }) {
  const made = await makeSessions();
  const { plugin, context } = apolloSessions(made.sessions);
  const schema = makeSchema({ run: { ...run, ...more } });
  const server = new ApolloServer<SessionContext<Data>>({ schema, logger, plugins: [plugin, ...plugins] });
  onTestFinished(() => server.stop());
  const execute = async (query: string, contextValue: SessionContext<Data>) => {
    const { body } = await server.executeOperation({ query }, { contextValue });
    return body.kind === 'single' ? body.singleResult : undefined;
  };
  return { ...made, context, execute };
}

type SessionServerPlugin = ApolloServerPlugin<SessionContext<Data>>;

test('a change that the context() of the application makes is saved with the operation', async () => {
  const { context, execute, token, stored } = await startServer({});
  const contextValue = await context({ headers: bearer(token) });
  if (contextValue.session) contextValue.session.data.theme = 'dark';
  expect(await execute('mutation { run(op: "views") }', contextValue)).toEqual({ data: { run: 'counted' } });
  expect(await stored()).toMatchObject({ theme: 'dark', views: 1 });
});

test('rule 18: with a context that is used again, each root field decides for its own changes', async () => {
  const { context, execute, token, stored } = await startServer({});
  const contextValue = await context({ headers: bearer(token) });
  await execute('{ run(op: "me") }', contextValue);
  await execute('mutation { run(op: "theme", value: "dark") failed: run(op: "promoteAndFail") }', contextValue);
  expect(await stored()).toEqual({ ...ANN, theme: 'dark' });
});

test('rule 15: a context that is used again shows each operation the session itself', async () => {
  const more: Handlers['run'] = { shown: ({ session }) => session?.data.theme ?? 'anonymous' };
  const { context, execute, token } = await startServer({ more });
  const contextValue = await context({ headers: bearer(token) });
  for (const _ of [1, 2])
    expect(await execute('{ run(op: "shown") }', contextValue)).toEqual({ data: { run: 'light' } });
});

test('an operation on a context that is used again can log in', async () => {
  const { context, execute, store } = await startServer({});
  const contextValue = await context({ headers: {} });
  await execute('{ run(op: "news") }', contextValue);
  const result = await execute('mutation { run(op: "login", value: "bob") }', contextValue);
  expect([result?.errors, store.calls.insert]).toEqual([undefined, 1]);
});

test.each(['passes', 'fails'])(
  'rule 12: the login of an operation that a resolver runs on its context is the one of that resolver, which %s',
  async (outcome) => {
    const more: Handlers['run'] = {
      outer: async (ctx) => {
        await server.execute('mutation { run(op: "login", value: "bob") }', ctx);
        if (outcome === 'fails') throw new Error('refused');
        const result = await server.execute('{ run(op: "me") }', ctx);
        return [String(result?.data?.['run']), requireSession(ctx).data.userId].join();
      },
    };
    const server = await startServer({ more });
    const contextValue = await server.context({ headers: bearer(server.token) });
    const result = await server.execute('mutation { run(op: "outer") }', contextValue);
    const logins = await server.sessions.count();
    if (outcome === 'passes') expect([result?.data, await server.stored()]).toEqual([{ run: 'bob,bob' }, undefined]);
    else expect([result?.data, await server.stored()]).toEqual([{ run: null }, ANN]);
    expect(logins).toBe(1);
  },
);

test('invariant 6: in an outage, an operation on the context of a connection does not run', async () => {
  const news = vi.fn(() => 'news');
  const { context, execute, store, token } = await startServer({ more: { news } });
  const socket = { send: () => undefined, close: () => undefined };
  const contextValue = await context({ connectionParams: { token }, extra: { socket } });
  store.before = () => {
    throw new Error('db.internal refused');
  };
  const result = await execute('{ run(op: "news") }', contextValue);
  expect(result?.errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]);
  expect(JSON.stringify(result)).not.toContain('db.internal');
  expect(news).not.toHaveBeenCalled();
});

describe('if another plugin fails after the operation has run', () => {
  const failing: SessionServerPlugin = {
    requestDidStart: async () => ({
      executionDidStart: async () => ({
        executionDidEnd: async () => {
          throw new Error('of the plugin');
        },
      }),
    }),
  };

  test('rule 18: its login leaves nothing', async () => {
    const { context, execute, store, stored, token } = await startServer({ plugins: [failing] });
    const contextValue = await context({ headers: bearer(token) });
    await expect(execute('mutation { run(op: "login", value: "bob") }', contextValue)).rejects.toThrow();
    expect([await store.count?.(), await stored()]).toEqual([1, ANN]);
  });

  test('an operation without sessions fails as it does without the plugin', async () => {
    const server = new ApolloServer<object>({ schema: makeSchema({ run }), logger, plugins: [Object(failing)] });
    onTestFinished(() => server.stop());
    const expected = await server.executeOperation({ query: '{ run(op: "news") }' }).catch(String);
    const { execute } = await startServer({ plugins: [failing] });
    expect(await execute('{ run(op: "news") }', Object({})).catch(String)).toBe(expected);
  });
});

test('a context of other sessions is left to them', async () => {
  const { execute, store } = await startServer({});
  const other = await makeSessions();
  const contextValue = await other.sessions.fromToken(other.token);
  const result = await execute('mutation { run(op: "theme", value: "dark") }', { ...contextValue });
  expect(result).toEqual({ data: { run: 'dark' } });
  expect([await other.stored(), store.total()]).toEqual([ANN, 0]);
});

test('rule 18: the root fields of a schema that a gateway loads later decide for their own changes too', async () => {
  const made = await makeSessions();
  const { plugin, context } = apolloSessions(made.sessions);
  let schema = makeSchema({ run: {} });
  let update: (event: { readonly apiSchema: GraphQLSchema; readonly coreSupergraphSdl: string }) => void = () => {
    throw new Error('the server does not listen');
  };
  const gateway: ApolloServerOptionsWithGateway<SessionContext<Data>>['gateway'] = {
    onSchemaLoadOrUpdate(callback) {
      update = callback;
      return () => undefined;
    },
    load: async () => {
      update({ apiSchema: schema, coreSupergraphSdl: '' });
      return {
        executor: async ({ document, context: contextValue }) => execute({ schema, document, contextValue }),
      };
    },
    stop: async () => undefined,
  };
  const server = new ApolloServer<SessionContext<Data>>({ gateway, plugins: [plugin] });
  await server.start();
  onTestFinished(() => server.stop());
  schema = makeSchema({ run });
  update({ apiSchema: schema, coreSupergraphSdl: '' });
  const query = 'mutation { run(op: "theme", value: "dark") failed: run(op: "promoteAndFail") }';
  await server.executeOperation({ query }, { contextValue: await context({ headers: bearer(made.token) }) });
  expect(await made.stored()).toEqual({ ...ANN, theme: 'dark' });
});
