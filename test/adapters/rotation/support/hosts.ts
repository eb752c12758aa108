import { createExpressMiddleware } from '@trpc/server/adapters/express';
import express from 'express';
import fastify from 'fastify';
import { createYoga } from 'graphql-yoga';
import { Hono } from 'hono';
import { onTestFinished } from 'vitest';
import { expressSessions } from '../../../../src/adapters/express/index.js';
import { fastifySessions } from '../../../../src/adapters/fastify/index.js';
import { honoSessions } from '../../../../src/adapters/hono/index.js';
import { useSession } from '../../../../src/adapters/yoga/index.js';
import type { SessionContext, Sessions } from '../../../../src/index.js';
import { listenInTest } from '../../../support/http.js';
import { makeApp } from '../../trpc/support/app.js';
import { overExpress, overFastify, overFetch, overStandalone, type Serve } from '../../trpc/support/hosts.js';
import { makeSchema } from '../../yoga/support/app.js';

export interface Data {
  userId: string;
  theme?: string;
}

/** The server's work for a request, before the answer. */
export type Work = (context: SessionContext<Data>) => unknown;

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Starts a server that does the work for each request. Resolves to the function that calls it. */
export type Start = (sessions: Sessions<Data>, work: Work) => Promise<(ask: Ask) => Promise<Response>>;

function overTrpc(serve: Serve): Start {
  return async (sessions, work) => {
    const run = (context: SessionContext<Data>) => work(context);
    const host = await serve(makeApp(sessions, { open: { run } }));
    onTestFinished(host.stop);
    return ({ method = 'GET', headers = {} }) => {
      const post = { method, headers: { ...headers, 'content-type': 'application/json' }, body: '"run"' };
      return method === 'GET'
        ? host.fetch(`${host.url}/read?input=%22run%22`, { headers })
        : host.fetch(`${host.url}/open`, post);
    };
  };
}

const overYoga: Start = async (sessions, work) => {
  const yoga = createYoga({
    schema: makeSchema<Data>({ run: { it: (context) => work(context) } }),
    plugins: [useSession(sessions)],
    logging: false,
  });
  const { url } = await listenInTest(yoga);
  return ({ method = 'GET', headers = {} }) => {
    const body = JSON.stringify({ query: 'mutation { run(op: "it") }' });
    const post = { method, headers: { ...headers, 'content-type': 'application/json' }, body };
    return method === 'GET'
      ? fetch(`${url}/graphql?query={run(op:"it")}`, { headers })
      : fetch(`${url}/graphql`, post);
  };
};

const inExpress: Start = async (sessions, work) => {
  const app = express();
  app.use(expressSessions(sessions));
  app.all('/', async (req, res) => {
    const { session, sessions: own } = req as unknown as SessionContext<Data>;
    res.json({ answer: (await work({ session, sessions: own })) ?? null });
  });
  const { url } = await listenInTest(app);
  return ({ method = 'GET', headers = {} }) => fetch(url, { method, headers });
};

/** The middleware loads the session, and tRPC or Yoga behind it answers. */
const behindExpress =
  (kind: 'tRPC' | 'Yoga'): Start =>
  async (sessions, work) => {
    const app = express();
    app.use(expressSessions(sessions));
    const run = (context: SessionContext<Data>) => work(context);
    if (kind === 'tRPC') app.use('/trpc', createExpressMiddleware(makeApp(sessions, { open: { run } })));
    else
      app.use(
        '/graphql',
        createYoga({
          schema: makeSchema<Data>({ run: { it: run } }),
          plugins: [useSession(sessions)],
          logging: false,
        }),
      );
    const { url } = await listenInTest(app);
    return ({ method = 'GET', headers = {} }) => {
      const json = { ...headers, 'content-type': 'application/json' };
      const [query, mutation] =
        kind === 'tRPC'
          ? [`${url}/trpc/read?input=%22run%22`, { url: `${url}/trpc/open`, body: '"run"' }]
          : [
              `${url}/graphql?query={run(op:"it")}`,
              { url: `${url}/graphql`, body: JSON.stringify({ query: 'mutation { run(op: "it") }' }) },
            ];
      return method === 'GET'
        ? fetch(query, { headers })
        : fetch(mutation.url, { method, headers: json, body: mutation.body });
    };
  };

const inFastify: Start = async (sessions, work) => {
  const app = fastify({ forceCloseConnections: true, exposeHeadRoutes: false });
  app.register(fastifySessions(sessions));
  app.route({
    method: ['GET', 'POST', 'HEAD', 'OPTIONS'],
    url: '/',
    handler: async (request) => {
      const { session, sessions: own } = request as unknown as SessionContext<Data>;
      return { answer: (await work({ session, sessions: own })) ?? null };
    },
  });
  const url = await app.listen({ port: 0 });
  onTestFinished(() => app.close());
  return ({ method = 'GET', headers = {} }) => fetch(url, { method, headers });
};

const inHono: Start = async (sessions, work) => {
  const app = new Hono<{ Variables: SessionContext<Data> }>();
  app.use(honoSessions(sessions));
  app.all('/', async (c) => c.json({ answer: String((await work(c.var)) ?? '') }));
  return async ({ method = 'GET', headers = {} }) => app.request('http://localhost/', { method, headers });
};

const byHandle: Start = async (sessions, work) => (ask) =>
  sessions.handle(requestOf(ask), async (context) => Response.json({ answer: (await work(context)) ?? null }));

/** The application sends the headers itself. */
const byContext: Start = async (sessions, work) => async (ask) => {
  const context = await sessions.fromRequest(requestOf(ask));
  const answer = (await work(context)) ?? null;
  return Response.json({ answer }, { headers: context.sessions.responseHeaders });
};

function requestOf({ method = 'GET', headers = {} }: Ask): Request {
  return new Request('http://localhost/', { method, headers });
}

/** The hosts that write the head of the answer after the work. */
export const HOSTS: readonly (readonly [string, Start])[] = [
  ['tRPC over Fetch', overTrpc(overFetch)],
  ['tRPC standalone', overTrpc(overStandalone)],
  ['tRPC in Express', overTrpc(overExpress)],
  ['tRPC in Fastify', overTrpc(overFastify)],
  ['Yoga', overYoga],
  ['tRPC behind Express', behindExpress('tRPC')],
  ['Yoga behind Express', behindExpress('Yoga')],
  ['Express', inExpress],
  ['Fastify', inFastify],
  ['Hono', inHono],
  ['sessions.handle', byHandle],
];

/** The hosts that answer HEAD with the same work. */
export const HEAD_HOSTS: readonly (readonly [string, Start])[] = [
  ['Express', inExpress],
  ['Fastify', inFastify],
  ['Hono', inHono],
  ['sessions.handle', byHandle],
  ['sessions.fromRequest', byContext],
];

export const CONTEXT_HOST: readonly [string, Start] = ['sessions.fromRequest', byContext];
