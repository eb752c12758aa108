import { ApolloServer, HeaderMap } from '@apollo/server';
import express from 'express';
import { describe, expect, onTestFinished, test } from 'vitest';
import { apolloSessions } from '../../../src/adapters/apollo/index.js';
import { expressSessions } from '../../../src/adapters/express/index.js';
import { bearer, cookie, type SessionContext } from '../../../src/index.js';
import { listenInTest } from '../../support/http.js';
import { ANN, type Data, makeSchema } from '../yoga/support/app.js';
import { codesOf, post, resultOf } from '../yoga/support/client.js';
import { makeSessions } from '../yoga/support/setup.js';
import { run, start } from './support/setup.js';

describe('saving', () => {
  test('rule 18: each root field of a mutation decides for its own changes', async () => {
    const { asAnn, stored, store } = await start();
    const answer = await asAnn(
      'mutation { run(op: "theme", value: "dark") failed: run(op: "promoteAndFail") __typename }',
    );
    expect(answer.status).toBe(200);
    expect(resultOf(answer).data).toEqual({ run: 'dark', failed: null, __typename: 'Mutation' });
    expect(store.calls).toMatchObject({ find: 1, replace: 1 });
    expect(await stored()).toEqual({ ...ANN, theme: 'dark' });
  });

  test('rule 18: nothing is saved when all of data is null', async () => {
    const { asAnn, stored } = await start();
    await asAnn('mutation { run(op: "theme", value: "dark") required(op: "promoteAndFail") }');
    expect(await stored()).toEqual(ANN);
  });

  test('invariant 6: a change that cannot be saved fails the operation, and reveals nothing of the store', async () => {
    const { asAnn, store } = await start();
    store.before = (verb) => {
      if (verb === 'replace') throw new Error('db.internal refused');
    };
    const answer = await asAnn('mutation { run(op: "theme", value: "dark") }');
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text)).toEqual({
      data: null,
      errors: [{ message: 'Sessions are not available at the moment', extensions: { code: 'SERVICE_UNAVAILABLE' } }],
    });
  });

  test('rule 11: a batch writes once, and drops the changes of failed operations', async () => {
    const { asAnn, stored, store } = await start();
    const answer = await asAnn([
      'mutation { run(op: "theme", value: "dark") }',
      'mutation { run(op: "promoteAndFail") }',
      'mutation { run(op: "views") }',
      'nonsense',
    ]);
    expect(answer.status).toBe(400);
    expect(store.calls).toMatchObject({ find: 1, replace: 1 });
    expect(await stored()).toEqual({ ...ANN, theme: 'dark', views: 1 });
  });

  test('rule 13: operations of a batch do not see each other’s changes', async () => {
    const { asAnn, stored } = await start();
    await asAnn(['mutation { run(op: "promoteAndFail") }', 'mutation { run(op: "theme", value: "dark") }']);
    expect(await stored()).toEqual({ ...ANN, theme: 'dark' });
  });

  test('rule 15: a reused context value serves several operations', async () => {
    const { sessions, server, stored, token } = await start();
    const { context } = apolloSessions(sessions);
    const contextValue = await context({ headers: { authorization: `Bearer ${token}` } });
    for (const theme of ['dark', 'blue']) {
      await server.executeOperation({ query: `mutation { run(op: "theme", value: "${theme}") }` }, { contextValue });
      expect((await stored())?.theme).toBe(theme);
    }
  });

  test('changes of a context that was made without the adapter are saved too', async () => {
    const { sessions, server, stored, token } = await start();
    const contextValue = await sessions.fromToken(token);
    await server.executeOperation(
      { query: 'mutation { run(op: "theme", value: "dark") }' },
      { contextValue: { ...contextValue } },
    );
    expect((await stored())?.theme).toBe('dark');
  });
});

describe('statuses and codes', () => {
  test('rule 26: an answer without any other data is 401 with its challenge', async () => {
    const { send } = await start();
    const alone = await send('{ run(op: "me") }');
    expect([alone.status, alone.headers.get('www-authenticate'), codesOf(resultOf(alone))]).toEqual([
      401,
      'Bearer',
      ['UNAUTHENTICATED'],
    ]);
    const nonsense = await send('{ run(op: "me") }', { authorization: 'Bearer nonsense' });
    expect(nonsense.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
    const beside = await send('{ run(op: "me") news: run(op: "news") }');
    expect([beside.status, beside.headers.get('www-authenticate')]).toEqual([200, null]);
  });

  test('a step-up answers its challenge, unless more of a mutation ran', async () => {
    const { asAnn, clock } = await start();
    clock.advance(300_001);
    const alone = await asAnn('mutation { run(op: "fresh") }');
    expect([alone.status, codesOf(resultOf(alone))]).toEqual([401, ['STEP_UP_REQUIRED']]);
    expect(alone.headers.get('www-authenticate')).toBe('Bearer error="insufficient_user_authentication", max_age=300');
    const after = await asAnn('mutation { a: run(op: "promoteAndFail") b: run(op: "fresh") }');
    expect(after.headers.get('www-authenticate')).toBe('Bearer');
  });

  test('errors in a batch have only their codes', async () => {
    const { send } = await start();
    const answer = await send(['{ run(op: "me") }', '{ run(op: "news") }']);
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([200, null]);
    expect(JSON.parse(answer.text)[0].errors[0].extensions).toEqual({ code: 'UNAUTHENTICATED' });
  });

  test('rule 26: an error inside the server reveals nothing to the client, and is logged', async () => {
    const errors: string[] = [];
    const logger = { warn: () => undefined, error: (line: string) => void errors.push(line) };
    const { asAnn, store, id } = await start({}, { logger });
    const record = await store.find(id);
    if (record) await store.replace({ ...record, version: 'x', body: '{' }, record.version, 1_000_000);
    const answer = await asAnn('{ run(op: "me") }');
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.text).errors).toMatchObject([
      { message: 'Internal server error', extensions: { code: 'INTERNAL_SERVER_ERROR' } },
    ]);
    expect(errors).toContainEqual(expect.stringContaining('a request failed'));
  });

  test('formatError of the application has the last word', async () => {
    const { send } = await start({
      formatError: ({ extensions }) => ({ message: 'own', ...(extensions && { extensions }) }),
    });
    expect(resultOf(await send('{ run(op: "me") }')).errors).toEqual([
      expect.objectContaining({ message: 'own', extensions: { code: 'UNAUTHENTICATED' } }),
    ]);
  });
});

test('an operation on a context without sessions runs as it is', async () => {
  const { server } = await start();
  const { body } = await server.executeOperation({ query: '{ run(op: "news") }' }, { contextValue: Object({}) });
  expect(body).toMatchObject({ kind: 'single', singleResult: { data: { run: 'news' } } });
});

describe('one request', () => {
  test('rule 24: on Node, all cookies arrive', async () => {
    const { send } = await start({}, { sources: [bearer({ respond: true }), cookie('a'), cookie('b')] });
    const answer = await send('mutation { run(op: "login", value: "bob") }');
    const token = resultOf(answer).data?.['run'];
    expect(answer.headers.getSetCookie().map((each) => each.split(';')[0])).toEqual([`a=${token}`, `b=${token}`]);
    expect(answer.headers.get('session-token')).toBe(token);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('a second cookie causes a warning if the response is unknown', async () => {
    const warnings: string[] = [];
    const logger = { warn: (line: string) => void warnings.push(line), error: () => undefined };
    const { sessions } = await makeSessions({ sources: [cookie('a'), cookie('b')], logger });
    const { plugin, context } = apolloSessions(sessions);
    const server = new ApolloServer<SessionContext<Data>>({ schema: makeSchema({ run }), plugins: [plugin] });
    await server.start();
    onTestFinished(() => server.stop());
    const { headers } = await server.executeHTTPGraphQLRequest({
      httpGraphQLRequest: {
        method: 'POST',
        headers: new HeaderMap([['content-type', 'application/json']]),
        search: '',
        body: { query: 'mutation { run(op: "login", value: "bob") }' },
      },
      context: () => context({ headers: {} }),
    });
    expect(headers.get('set-cookie')).toMatch(/^a=ts_/);
    expect(warnings).toContainEqual(expect.stringContaining('{ req, res }'));
  });

  test('rule 12: behind Express, it begins with the login of a middleware, and its own login waits', async () => {
    const { sessions, store } = await makeSessions();
    const { plugin, context } = apolloSessions(sessions);
    const server = new ApolloServer<SessionContext<Data>>({ schema: makeSchema({ run }), plugins: [plugin] });
    await server.start();
    onTestFinished(() => server.stop());
    const app = express();
    app.use(express.json(), expressSessions(sessions));
    app.use(async (req, _res, next) => {
      if (!req.session) await req.sessions.create({ userId: 'guest', views: 0 });
      next();
    });
    app.use(async (req, res) => {
      const headers = new HeaderMap(
        Object.entries(req.headers).map(([name, value]): [string, string] => [name, String(value)]),
      );
      const { status, body } = await server.executeHTTPGraphQLRequest({
        httpGraphQLRequest: { method: req.method, headers, search: '', body: req.body },
        context: () => context({ req, res }),
      });
      if (req.headers['x-fail']) res.status(500);
      else res.status(status ?? 200);
      res.send(body.kind === 'complete' ? body.string : '');
    });
    const { url } = await listenInTest(app);
    expect(resultOf(await post(url, { query: '{ run(op: "me") }' })).data).toEqual({ run: 'guest' });
    const before = await store.count?.();
    await post(url, { query: 'mutation { run(op: "login", value: "bob") }' }, { 'x-fail': '1' });
    expect(await store.count?.()).toBe(before);
  });

  test('rule 15: a graphql-ws context looks the session up for each operation, and reports an outage as such', async () => {
    const { sessions, store, token, id } = await makeSessions();
    const { context } = apolloSessions(sessions);
    const socket = { send: () => undefined, close: () => undefined };
    const connection = { connectionParams: { authorization: `Bearer ${token}` }, extra: { socket } };
    expect((await context(connection)).session?.data.userId).toBe('ann');
    store.before = () => {
      throw new Error('db.internal refused');
    };
    const down = await context(connection);
    expect(() => down.session).toThrowError(expect.objectContaining({ extensions: { code: 'SERVICE_UNAVAILABLE' } }));
    store.before = undefined;
    await sessions.destroy(id);
    expect((await context(connection)).session).toBeNull();
  });
});
