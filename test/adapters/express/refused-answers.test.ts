import express from 'express';
import { describe, expect, test, vi } from 'vitest';
import { expressSessions } from '../../../src/adapters/express/index.js';
import { cookie } from '../../../src/index.js';
import { listen, setUp } from './support/app.js';

/** An application whose error handler answers with this status. */
async function serve(handler: express.RequestHandler, status: number, sources = {}) {
  const made = setUp(sources);
  const caught = vi.fn();
  const app = express();
  app.use(expressSessions(made.sessions));
  app.get('/', handler);
  app.use(
    (error: NodeJS.ErrnoException, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
      caught(error.code);
      res.status(status).send('refused');
    },
  );
  const url = await listen(app);
  const { token } = await made.sessions.create({ userId: 'ann' });
  return { ...made, caught, token, ask: () => made.get(url, token) };
}

describe('an answer that Node refuses to send goes to the error handler, which answers the client', () => {
  test.each([
    ['a body that is no text', 'ERR_INVALID_ARG_TYPE', (res: express.Response) => Reflect.apply(res.end, res, [123])],
    ['an object as the body', 'ERR_INVALID_ARG_TYPE', (res: express.Response) => Reflect.apply(res.end, res, [{}])],
    [
      'a status that does not exist',
      'ERR_HTTP_INVALID_STATUS_CODE',
      (res: express.Response) => {
        res.statusCode = 99;
        res.end('sent');
      },
    ],
  ])('rule 18: %s, after a change, which is dropped', async (_, code, answer) => {
    const { ask, caught, views, token } = await serve((req, res) => {
      if (req.session) req.session.data.views = 1;
      answer(res);
    }, 500);
    const { status } = await ask();
    expect([status, caught.mock.calls, await views(token)]).toEqual([500, [[code]], undefined]);
  });

  test('headers that do not fit together, after a change', async () => {
    const { ask, caught } = await serve((req, res) => {
      if (req.session) req.session.data.views = 1;
      res.setHeader('trailer', 'x-sum');
      res.setHeader('content-length', 4);
      res.end('sent');
    }, 400);
    expect((await ask()).status).toBe(400);
    expect(caught).toHaveBeenCalledExactlyOnceWith('ERR_HTTP_TRAILER_INVALID');
  });

  test.each([
    ['headers', [200, { 'content-disposition': 'filename=\u4e2d' }]],
    ['a status', [0]],
  ])('rule 24: %s that writeHead refuses, after a login, whose cookie the other answer has', async (_, head) => {
    const { ask, sessions } = await serve(
      async (req, res) => {
        await req.sessions.create({ userId: 'bob' });
        Reflect.apply(res.writeHead, res, head);
      },
      400,
      { sources: [cookie('sid', { secure: false })] },
    );
    const answer = await ask();
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([400, 'no-store']);
    const [sid] = answer.headers.getSetCookie();
    expect((await sessions.fromHeaders({ cookie: sid?.split(';')[0] })).session?.data.userId).toBe('bob');
  });

  test('rule 18: a status that writeHead refuses, after a login, which an answer of 500 undoes', async () => {
    const { ask, sessions } = await serve(
      async (req, res) => {
        await req.sessions.create({ userId: 'bob' });
        res.writeHead(0);
      },
      500,
      { sources: [cookie('sid', { secure: false })] },
    );
    expect((await ask()).headers.getSetCookie()).toEqual([]);
    expect(await sessions.count()).toBe(1);
  });
});
