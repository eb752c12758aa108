import express from 'express';
import { createYoga } from 'graphql-yoga';
import { expect, test } from 'vitest';
import { expressSessions } from '../../../src/adapters/express/middleware.js';
import { requireSession, useSession } from '../../../src/adapters/yoga/index.js';
import { cookie, type SessionsOptions } from '../../../src/index.js';
import { listenInTest } from '../../support/http.js';
import { type Data, type Handlers, makeSchema } from './support/app.js';
import { bearer, post, resultOf } from './support/client.js';
import { makeSessions } from './support/setup.js';

/** Yoga behind the middleware of the same sessions. */
async function start(handlers: Handlers, before: express.Handler, options: SessionsOptions<Data> = {}) {
  const made = await makeSessions(options);
  const yoga = createYoga({
    schema: makeSchema(handlers),
    logging: false,
    batching: true,
    plugins: [useSession(made.sessions)],
  });
  const app = express().use(expressSessions(made.sessions)).use(before).use(yoga.graphqlEndpoint, yoga);
  const { url } = await listenInTest(app);
  const send = (body: object, headers = {}) => post(`${url}/graphql`, body, headers);
  return { ...made, send };
}

const darken: Handlers = {
  run: {
    darken: (ctx) => {
      requireSession(ctx).data.theme = 'dark';
      return 'done';
    },
    login: async (ctx) => {
      const { token } = await ctx.sessions.create({ userId: 'bob', theme: 'light', views: 0 });
      requireSession(ctx).data.theme = 'dark';
      return token;
    },
  },
};

test('invariant 8: a request shares the session of the middleware, which is loaded once', async () => {
  const { send, token, store, stored } = await start(darken, (_req, _res, next) => next());
  const answer = await send({ query: 'mutation { run(op: "darken") }' }, bearer(token));
  expect(resultOf(answer).data).toEqual({ run: 'done' });
  expect(store.calls).toEqual({ insert: 0, find: 1, replace: 1, delete: 0 });
  expect((await stored())?.theme).toBe('dark');
});

test('invariant 8: a batch does not wait for the request around it', async () => {
  const { send, token, store } = await start(darken, (_req, _res, next) => next());
  const before = performance.now();
  const query = 'mutation { run(op: "darken") }';
  await send([{ query }, { query }], bearer(token));
  expect(performance.now() - before).toBeLessThan(900);
  expect(store.calls.replace).toBe(1);
});

test('changes of an operation after its login are saved', async () => {
  const { send, stored } = await start(darken, (_req, _res, next) => next());
  const answer = await send({ query: 'mutation { run(op: "login") }' });
  expect((await stored(String(resultOf(answer).data?.['run'])))?.theme).toBe('dark');
  expect(answer.headers.get('cache-control')).toBe('no-store');
});

test("a cookie is sent once, together with the application's own", async () => {
  const own: express.Handler = (_req, res, next) => {
    res.cookie('flavour', 'oat');
    next();
  };
  const { send } = await start(darken, own, { sources: [cookie()] });
  const answer = await send({ query: 'mutation { run(op: "login") }' });
  const cookies = answer.headers.getSetCookie().map((each) => each.slice(0, each.indexOf('=')));
  expect(cookies.sort()).toEqual(['__Host-session', 'flavour']);
});
