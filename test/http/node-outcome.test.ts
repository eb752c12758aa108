import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { describe, expect, test, vi } from 'vitest';
import { expressSessions, type SessionRequest } from '../../src/adapters/express/index.js';
import { bearer, type SessionsOptions } from '../../src/index.js';
import { gate } from '../support/gate.js';
import { listenInTest } from '../support/http.js';
import { type Data, setUp } from './support/handle.js';

type Handler = (req: IncomingMessage & SessionRequest<Data>, res: ServerResponse) => unknown;

/** A plain Node server whose error handler answers with `errorStatus`. */
async function serve(handler: Handler, options: Partial<SessionsOptions<Data>> = {}, errorStatus = 500) {
  const made = setUp(options);
  const errors: unknown[] = [];
  const middleware = expressSessions(made.sessions);
  const hasSession = (req: IncomingMessage): req is IncomingMessage & SessionRequest<Data> => 'sessions' in req;
  const { url } = await listenInTest((req, res) =>
    middleware(req, res, (error) => {
      if (error) errors.push(error);
      if (!error && hasSession(req)) return void handler(req, res);
      res.statusCode = errorStatus;
      res.end('failed');
    }),
  );
  const { token, id } = await made.sessions.create({ userId: 'ann' });
  made.store.reset();
  const ask = () => fetch(url, { headers: { authorization: `Bearer ${token}` } });
  return { ...made, url, token, id, errors, ask };
}

/** Sends a request, and disconnects once `reached` has come to pass. */
async function leave(url: string, token: string, reached: Promise<void>): Promise<void> {
  const client = httpRequest(url, { headers: { authorization: `Bearer ${token}` } });
  client.on('error', () => undefined).end();
  await reached;
  client.destroy();
}

describe('a session that ends before the answer does', () => {
  test('fails the answer of its login while the head can still change', async () => {
    const { ask, errors, sessions, token } = await serve(async (req, res) => {
      const created = await req.sessions.create({ userId: 'bob' });
      await sessions.destroy(created.id);
      res.end(created.token);
    });
    const answer = await ask();
    expect([answer.status, await answer.text()]).toEqual([500, 'failed']);
    expect(errors).toEqual([expect.objectContaining({ code: 'SESSION_GONE' })]);
    expect((await sessions.fromToken(token)).session?.data.userId).toBe('ann');
  });

  test('does not cut the answer of its login once the head has left: it may as well have ended later', async () => {
    const { ask, errors, sessions } = await serve(async (req, res) => {
      const created = await req.sessions.create({ userId: 'bob' });
      res.write('first ');
      await sessions.destroy(created.id);
      res.end('last');
    });
    const answer = await ask();
    expect([answer.status, await answer.text()]).toEqual([200, 'first last']);
    expect(errors).toEqual([]);
  });

  test('by another process drops the changes of the request, and nothing else', async () => {
    const { ask, errors, id, store } = await serve(async (req, res) => {
      if (req.session) req.session.data.views = 1;
      await store.delete(id);
      res.end('saved');
    });
    const answer = await ask();
    expect([answer.status, await answer.text()]).toEqual([200, 'saved']);
    expect([errors, await store.count?.()]).toEqual([[], 0]);
  });
});

describe('the head of an answer that succeeds', () => {
  test('carries the token of a login, although the body goes on', async () => {
    const { ask, sessions, token } = await serve(
      async (req, res) => {
        const created = await req.sessions.create({ userId: 'bob' });
        res.write('first ');
        res.end(created.token);
      },
      { sources: [bearer({ respond: true })] },
    );
    const answer = await ask();
    const [, body] = (await answer.text()).split(' ');
    expect(answer.headers.get('session-token')).toBe(body);
    expect((await sessions.fromToken(body)).session?.data.userId).toBe('bob');
    expect((await sessions.fromToken(token)).session).toBeNull();
  });

  test('lets a login of the body take effect at once, before the body ends', async () => {
    const seen: unknown[] = [];
    const { ask, sessions, token } = await serve(async (req, res) => {
      res.write('first ');
      const created = await req.sessions.create({ userId: 'bob' });
      seen.push((await sessions.fromToken(token)).session);
      res.end(created.token);
    });
    const [, body] = (await (await ask()).text()).split(' ');
    expect(seen).toEqual([null]);
    expect((await sessions.fromToken(body)).session?.data.userId).toBe('bob');
  });

  test('is decided by its status, whatever the status is set to later', async () => {
    const { ask, token, views } = await serve((req, res) => {
      if (req.session) req.session.data.views = 1;
      res.write('first ');
      res.statusCode = 500;
      res.end('last');
    });
    const answer = await ask();
    expect([answer.status, await answer.text()]).toEqual([200, 'first last']);
    expect(await views(token)).toBe(1);
  });
});

test('an answer of a request that changes nothing is not delayed', async () => {
  const ended: boolean[] = [];
  const { ask, store } = await serve((_req, res) => {
    res.end('done');
    ended.push(res.writableEnded);
  });
  expect(await (await ask()).text()).toBe('done');
  expect([ended, store.calls]).toEqual([[true], { insert: 0, find: 1, replace: 0, delete: 0 }]);
});

describe('a client that disconnects', () => {
  test('before the head has left keeps its session: the login of the request is undone', async () => {
    const reached = gate();
    const { url, token, sessions, store } = await serve(async (req) => {
      await req.sessions.create({ userId: 'bob' });
      reached.open();
    });
    await leave(url, token, reached.opened);
    await vi.waitFor(async () => expect(await store.count?.()).toBe(1));
    expect((await sessions.fromToken(token)).session?.data.userId).toBe('ann');
  });

  test('before the head has left of an answer that would have failed loses its changes', async () => {
    const [reached, closed] = [gate(), gate()];
    const { url, token, store, views } = await serve((req, res) => {
      if (req.session) req.session.data.views = 7;
      res.statusCode = 500;
      res.once('close', closed.open);
      reached.open();
    });
    await leave(url, token, reached.opened);
    await closed.opened;
    // Whatever the end of the connection has begun is done before this.
    await new Promise((resolve) => setImmediate(resolve));
    expect(await views(token)).toBeUndefined();
    expect(store.calls.replace).toBe(0);
  });

  test('after the head has left keeps the session of the login, whose token it has', async () => {
    const reached = gate();
    const { url, token, sessions } = await serve(async (req, res) => {
      await req.sessions.create({ userId: 'bob' });
      res.write('first');
      reached.open();
    });
    await leave(url, token, reached.opened);
    await vi.waitFor(async () => expect((await sessions.fromToken(token)).session).toBeNull());
    expect(await sessions.count()).toBe(1);
  });
});

test('rule 18: data that cannot be read fails the answer, and leaves the server alive', async () => {
  const { ask, views, token, errors } = await serve((req, res) => {
    const { proxy, revoke } = Proxy.revocable({ userId: 'ann' }, {});
    if (req.session) req.session.data = proxy;
    revoke();
    res.end('saved');
  });
  expect((await ask()).status).toBe(500);
  expect([errors.length, await views(token)]).toEqual([1, undefined]);
});

test('a failure to save is logged once the answer is over, and its changes are not tried again', async () => {
  const { ask, store, log, errors } = await serve((req, res) => {
    if (req.session) req.session.data.views = 1;
    res.end('saved');
  });
  store.before = (verb) => {
    if (verb === 'replace') throw new Error('away');
  };
  expect((await ask()).status).toBe(500);
  expect(errors).toEqual([expect.objectContaining({ code: 'STORE_UNAVAILABLE' })]);
  await vi.waitFor(() => expect(log).toContainEqual(expect.stringContaining('changes could not be saved')));
  expect(store.calls.replace).toBe(1);
});
