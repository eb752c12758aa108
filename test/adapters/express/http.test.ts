import { request as httpRequest, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { describe, expect, test, vi } from 'vitest';
import { expressSessions, type SessionRequest } from '../../../src/adapters/express/middleware.js';
import { cookie, header } from '../../../src/index.js';
import { gate } from '../../support/gate.js';
import { type Data, listen, setUp } from './support/app.js';

describe('plain http', () => {
  type Handler = (req: IncomingMessage & SessionRequest<Data>, res: ServerResponse) => unknown;

  function plain(
    sessions: ReturnType<typeof setUp>['sessions'],
    handler: Handler,
    onError = (_error: unknown) => {},
  ): RequestListener {
    const middleware = expressSessions(sessions);
    return (req, res) =>
      middleware(req, res, (error) => {
        if (!error) return void handler(req as IncomingMessage & SessionRequest<Data>, res);
        onError(error);
        res.statusCode = 500;
        res.end();
      });
  }

  /** Sends a request that changes the session, and disconnects before the answer. */
  async function leaveAfterChange(
    sessions: ReturnType<typeof setUp>['sessions'],
    token: string,
    status = 200,
  ): Promise<void> {
    const [changed, answered] = [gate(), gate()];
    const url = await listen(
      plain(sessions, (req, res) => {
        if (req.session) req.session.data.views = 6;
        changed.open();
        res.once('close', () => {
          if (req.session) req.session.data.views = 7;
          res.statusCode = status;
          res.end();
          setImmediate(answered.open);
        });
      }),
    );
    const client = httpRequest(url, { headers: { authorization: `Bearer ${token}` } });
    client.on('error', () => {}).end();
    await changed.opened;
    client.destroy();
    await answered.opened;
  }

  test('rule 16: middleware of another copy writes the cookie of a login to an answer that comes in parts', async () => {
    const { sessions } = setUp({ sources: [cookie('sid', { secure: false })] });
    vi.resetModules();
    const copy = await import('../../../src/adapters/express/middleware.js');
    const middleware = copy.expressSessions(sessions);
    const url = await listen((req: IncomingMessage & Partial<SessionRequest<Data>>, res: ServerResponse) =>
      middleware(req, res, async () => {
        await req.sessions?.create({ userId: 'bob' });
        res.write('part ');
        res.end('end');
      }),
    );
    const answer = await fetch(url);
    expect(answer.headers.getSetCookie()).toEqual([expect.stringMatching(/^sid=ts_/)]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('a save that fails after the head was sent aborts the answer', async () => {
    const { store, sessions, get } = setUp();
    store.before = (verb) => {
      if (verb === 'replace') throw new Error('away');
    };
    const url = await listen(
      plain(sessions, (req, res) => {
        if (req.session) req.session.data.views = 1;
        res.write('part ');
        res.end('rest');
      }),
    );
    const { token } = await sessions.create({ userId: 'ann' });
    await expect(get(url, token).then((response) => response.text())).rejects.toThrow();
  });

  test('rule 18: a login of an answer whose head left as an error is undone, and the answer has no token', async () => {
    const { store, sessions, get } = setUp({ sources: [header('x-auth-token', { respond: true })] });
    const url = await listen(
      plain(sessions, async (req, res) => {
        await req.sessions.create({ userId: 'bob' });
        res.statusCode = 500;
        res.write('part ');
        // Too late: the client has seen the other status.
        res.statusCode = 200;
        res.end('rest');
      }),
    );
    const response = await get(url);
    expect([response.status, await response.text()]).toEqual([500, 'part rest']);
    expect(response.headers.get('x-auth-token')).toBeNull();
    await vi.waitFor(async () => expect(await store.count?.()).toBe(0));
  });

  test('rule 18: the token of a session that has ended before the head leaves is not handed out', async () => {
    const { store, sessions, get } = setUp({ sources: [header('x-auth-token', { respond: true })] });
    const url = await listen(
      plain(sessions, async (req, res) => {
        const { id } = await req.sessions.create({ userId: 'bob' });
        // The account is ended from elsewhere.
        await sessions.destroy(id);
        res.write('part ');
        res.end('rest');
      }),
    );
    const response = await get(url);
    expect(await response.text()).toBe('part rest');
    expect(response.headers.get('x-auth-token')).toBeNull();
    expect(await store.count?.()).toBe(0);
  });

  test('changes for a client that has disconnected are saved', async () => {
    const { sessions, views } = setUp();
    const { token } = await sessions.create({ userId: 'ann' });
    await leaveAfterChange(sessions, token);
    await vi.waitFor(async () => expect(await views(token)).toBe(7));
  });

  test('rule 11: changes for a client that has disconnected are dropped if the handler fails after that', async () => {
    const { store, sessions, views } = setUp();
    const { token } = await sessions.create({ userId: 'ann' });
    await leaveAfterChange(sessions, token, 500);
    expect([await views(token), store.calls.replace]).toEqual([undefined, 0]);
  });

  test('a failure that no client can receive is logged', async () => {
    const errors: string[] = [];
    const { store, sessions } = setUp({ logger: { warn: () => {}, error: (message) => void errors.push(message) } });
    const { token } = await sessions.create({ userId: 'ann' });
    store.before = (verb) => {
      if (verb === 'replace') throw new Error('away');
    };
    await leaveAfterChange(sessions, token);
    await vi.waitFor(() => expect(errors.some((each) => each.includes('could not be saved'))).toBe(true));
  });

  test('a second end() has no effect, and the callback of end is called', async () => {
    const { sessions, get } = setUp();
    const { token } = await sessions.create({ userId: 'ann' });
    const ended = vi.fn();
    const url = await listen(
      plain(sessions, (req, res) => {
        if (req.session) req.session.data.views = 1;
        res.end('first', ended);
        res.end('second');
      }),
    );
    expect(await (await get(url, token)).text()).toBe('first');
    await vi.waitFor(() => expect(ended).toHaveBeenCalledOnce());
  });

  test('sources that can write tokens to the response, beside the application’s own cookies', async () => {
    const { sessions } = setUp({
      sources: [header('x-auth-token', { respond: true }), cookie('sid', { secure: false })],
    });
    const url = await listen(
      plain(sessions, async (req, res) => {
        res.setHeader('set-cookie', ['theme=dark', 'sid=old']);
        await req.sessions.create({ userId: 'ann' });
        await req.session?.rotate();
        res.end(req.session?.token);
      }),
    );
    const response = await fetch(url);
    const token = await response.text();
    expect(response.headers.get('x-auth-token')).toBe(token);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.getSetCookie().map((each) => each.split(';')[0])).toEqual(['theme=dark', `sid=${token}`]);
  });

  test('a login after the head was sent is HEADERS_SENT if a source would have to write', async () => {
    const { sessions, store } = setUp({ sources: [header('x-auth-token', { respond: true })] });
    const codes: unknown[] = [];
    const url = await listen(
      plain(sessions, async (req, res) => {
        res.write('head');
        await req.sessions.create({ userId: 'ann' }).catch((error: { code: string }) => codes.push(error.code));
        res.end();
      }),
    );
    await (await fetch(url)).text();
    expect(codes).toEqual(['HEADERS_SENT']);
    expect(store.calls.insert).toBe(0);
  });

  test('rule 26: an unreadable record fails the handler that asks for its data, but not a login or logout', async () => {
    const errors: unknown[] = [];
    const { sessions, store, get } = setUp();
    const { token, id } = await sessions.create({ userId: 'ann' });
    const record = await store.find(id);
    if (record) await store.replace({ ...record, version: 'x', body: '{' }, record.version, 1_000_000);
    const url = await listen(
      plain(sessions, async (req, res) => {
        try {
          res.end(req.session?.data.userId ?? 'anonymous');
        } catch (error) {
          errors.push(error);
          res.statusCode = 500;
          res.end((await req.sessions.create({ userId: 'bob' })).token);
        }
      }),
    );
    expect((await get(url, token)).status).toBe(500);
    expect(errors).toEqual([expect.objectContaining({ code: 'INVALID_DATA', status: 500 })]);
  });
});
