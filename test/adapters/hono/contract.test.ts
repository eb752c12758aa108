import { type HttpBindings, serve } from '@hono/node-server';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { honoSessions } from '../../../src/adapters/hono/index.js';
import type { SessionContextOf, Sessions } from '../../../src/index.js';
import { adapterContract, type ContractData, Refusal } from '../contract.js';
import { restCall, runOperation } from '../support/rest.js';

function makeApp(sessions: Sessions<ContractData>) {
  const app = new Hono<{ Bindings: HttpBindings; Variables: SessionContextOf<typeof sessions> }>();
  app.use(honoSessions(sessions));
  app.post('/run', async (c) => c.json(await runOperation(c.req.url, c.var).catch(refuse)));
  return app;
}

function refuse(error: unknown): never {
  throw error instanceof Refusal ? new HTTPException(500, { message: error.message }) : error;
}

adapterContract({
  name: 'Hono as a Fetch handler',
  start: async (sessions) => {
    const app = makeApp(sessions);
    return {
      stop: async () => undefined,
      call: restCall((path, init) => app.request(`https://app.example${path}`, init)),
    };
  },
});

adapterContract({
  name: 'Hono on Node',
  start: async (sessions) => {
    const app = makeApp(sessions);
    const server = await new Promise<ReturnType<typeof serve>>((resolve) => {
      const made = serve({ fetch: app.fetch, port: 0 }, () => resolve(made));
    });
    const address = server.address();
    const url = `http://localhost:${typeof address === 'object' ? address?.port : 0}`;
    return {
      call: restCall((path, init) => fetch(url + path, init)),
      stop: () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          if ('closeAllConnections' in server) server.closeAllConnections();
        }),
    };
  },
});
