import { TRPCError } from '@trpc/server';
import { describe, expect, test, vi } from 'vitest';
import { errorFormatter } from '../../../src/adapters/trpc/error-formatter.js';
import { answerTo } from '../../../src/adapters/trpc/errors.js';
import { trpcSessions } from '../../../src/adapters/trpc/index.js';
import { createSessions, isSessionError, SessionError, type SessionErrorCode } from '../../../src/index.js';
import { ANN, bearerHeaders, type Data, openBench } from './support/bench.js';
import { failure } from './support/clients.js';
import { overStandalone } from './support/hosts.js';
import { callProcedure } from './support/procedure-call.js';

const secret = 'what only the server may know';

describe('errors', () => {
  const codes: readonly (readonly [SessionErrorCode, string, number])[] = [
    ['STORE_UNAVAILABLE', 'SERVICE_UNAVAILABLE', 503],
    ['SESSION_GONE', 'UNAUTHORIZED', 401],
    ['STEP_UP_REQUIRED', 'UNAUTHORIZED', 401],
    ['CONFLICT', 'CONFLICT', 409],
    ['LIMIT_REACHED', 'TOO_MANY_REQUESTS', 429],
    ['INVALID_DATA', 'UNPROCESSABLE_CONTENT', 422],
    ['UNAUTHENTICATED', 'UNAUTHORIZED', 401],
    ['CROSS_SITE', 'FORBIDDEN', 403],
    ['TOKEN_REPLACED', 'CONFLICT', 409],
    ['INVALID_OPTION', 'INTERNAL_SERVER_ERROR', 500],
    ['NOT_SUPPORTED', 'INTERNAL_SERVER_ERROR', 500],
    ['HEADERS_SENT', 'INTERNAL_SERVER_ERROR', 500],
  ];

  test.each(codes)(
    'rule 26: %s of a resolver becomes %s, with a generic message and the cause on the server',
    async (code, trpcCode, status) => {
      const { app, client } = await openBench({
        open: {
          fail: () => {
            throw new SessionError(code, secret);
          },
        },
      });
      const told = await failure(client('single').open.mutate('fail'));
      expect(told).toMatchObject({ code: trpcCode, status });
      expect(told.text).not.toContain(secret);
      const caller = app.router.createCaller(app.createContext({ headers: {} }));
      await expect(caller.open('fail')).rejects.toMatchObject({ code: trpcCode, cause: { code, message: secret } });
    },
  );

  test("the HTTP status is the error's", async () => {
    const { host, store, login } = await openBench({ own: {} }, { serve: overStandalone });
    const token = await login();
    const call = () =>
      host.fetch(`${host.url}/own`, {
        method: 'POST',
        headers: { ...bearerHeaders(token), 'content-type': 'application/json' },
        body: '"x"',
      });
    store.before = () => {
      throw new Error('down');
    };
    expect((await call()).status).toBe(503);
    store.before = undefined;
    expect((await call()).status).toBe(404);
    await host.stop();
  });

  test.each([
    [403, 'FORBIDDEN'],
    [413, 'PAYLOAD_TOO_LARGE'],
    [422, 'UNPROCESSABLE_CONTENT'],
    [418, 'INTERNAL_SERVER_ERROR'],
  ] as const)('the status %i that a store gives its own error becomes %s', (status, code) => {
    const error = new SessionError('CONFLICT', secret, { status });
    expect(answerTo(error)).toMatchObject({ status, code });
    expect(answerTo(error).message).not.toContain(secret);
  });

  test('an internal error of the application has no code of a session, whatever its message', () => {
    for (const message of ['Internal server error', 'oops', '']) {
      const error = new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message, cause: new Error('own') });
      const shape = { message, code: -32603, data: { code: error.code, httpStatus: 500 } } as const;
      expect(errorFormatter({ error, shape })).toEqual(shape);
    }
    const ours = new TRPCError({ code: 'INTERNAL_SERVER_ERROR', cause: new SessionError('LIMIT_REACHED', secret) });
    const shape = { message: ours.message, code: -32603, data: { code: ours.code, httpStatus: 500 } } as const;
    expect(errorFormatter({ error: ours, shape }).data).toMatchObject({
      code: 'TOO_MANY_REQUESTS',
      httpStatus: 429,
      sessionCode: 'LIMIT_REACHED',
    });
  });

  test("an application's own handling of a SessionError stays unchanged", async () => {
    const cause = new SessionError('CONFLICT', secret);
    const { client } = await openBench({
      open: {
        other: () => {
          throw new TRPCError({ code: 'FORBIDDEN', message: 'my words', cause });
        },
        internal: () => {
          throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message: 'my words', cause });
        },
        plain: () => {
          throw new Error('my words');
        },
      },
    });
    for (const [name, code] of [
      ['other', 'FORBIDDEN'],
      ['internal', 'INTERNAL_SERVER_ERROR'],
      ['plain', 'INTERNAL_SERVER_ERROR'],
    ] as const) {
      const told = await failure(client('single').open.mutate(name));
      expect(told.code).toBe(code);
      expect(told.text).toContain('my words');
    }
  });

  test('invariant 6: a store that does not answer within storeTimeout is unavailable', async () => {
    const { store, login, client } = await openBench({ own: { ok: () => 'ok' } }, { sessions: { storeTimeout: 20 } });
    const token = await login();
    store.before = () => new Promise(() => undefined);
    expect(await failure(client('single', token).own.mutate('ok'))).toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      status: 503,
    });
    store.before = undefined;
    expect(await client('single', token).own.mutate('ok')).toBe('ok');
  });

  test('rule 26: data that cannot be saved is a 422 of the call, and its values are not shown', async () => {
    const { login, client, stored } = await openBench({
      own: {
        spoil: ({ session }) => {
          session.data.a = Number.NaN;
        },
      },
    });
    const token = await login();
    expect(await failure(client('single', token).own.mutate('spoil'))).toMatchObject({
      code: 'UNPROCESSABLE_CONTENT',
      status: 422,
    });
    expect(await stored(token)).toMatchObject({ a: 0 });
  });

  test('a schema that throws on load is an internal error without its message', async () => {
    const validate = vi.fn((value: unknown) => ({ value: value as Data }));
    const schema = { '~standard': { version: 1, vendor: 'test', validate } } as const;
    const sessions = createSessions({ schema });
    const { token } = await sessions.create(ANN);
    validate.mockImplementation(() => {
      throw new Error(secret);
    });
    const { withSession, createContext } = trpcSessions(sessions);
    // As for a record that the schema refuses, the call fails where it reads the data.
    const reading = withSession.query(({ ctx }) => ctx.session?.data);
    await expect(callProcedure(reading, createContext({ headers: bearerHeaders(token) }))).rejects.toMatchObject({
      code: 'INTERNAL_SERVER_ERROR',
      message: 'Internal server error',
      cause: { message: expect.stringContaining(secret) },
    });
  });

  test('a context without the library’s handle is explained only on the server', async () => {
    const { withSession } = trpcSessions(createSessions<Data>());
    const error = await callWith(withSession, { sessions: {} }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'INTERNAL_SERVER_ERROR',
      message: expect.stringContaining('the log of the server says'),
    });
    expect(error instanceof TRPCError && isSessionError(error.cause) && error.cause.message).toContain(
      'createContext',
    );
  });
});

describe('requireFresh', () => {
  const handlers = {
    own: {
      ok: () => 'ok',
      reauthenticate: ({ session }: { session: { rotate(o: object): Promise<string> } }) =>
        session.rotate({ reauthenticated: true }),
    },
  };

  test('accepts a recent authentication, to the millisecond, and requires another one afterwards', async () => {
    const { clock, login, client } = await openBench(handlers);
    const token = await login();
    clock.advance(300_000);
    expect(await client('single', token).fresh.mutate('ok')).toBe('ok');
    clock.advance(1);
    expect(await failure(client('single', token).fresh.mutate('ok'))).toMatchObject({
      code: 'UNAUTHORIZED',
      status: 401,
    });
    const renewed = await client('single', token).own.mutate('reauthenticate');
    expect(await client('single', String(renewed)).fresh.mutate('ok')).toBe('ok');
  });

  test('reports the reason and the required freshness to the server', async () => {
    const { app, clock, login } = await openBench(handlers);
    const headers = bearerHeaders(await login());
    clock.advance(300_001);
    await expect(app.router.createCaller(app.createContext({ headers })).fresh('ok')).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      cause: { code: 'STEP_UP_REQUIRED', maxAge: 300_000 },
    });
  });

  test('requires a session and a valid duration', async () => {
    const { app, client } = await openBench(handlers);
    expect(await failure(client('single').fresh.mutate('ok'))).toMatchObject({ code: 'UNAUTHORIZED' });
    expect(() => app.requireFresh(0)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });
});

/** Calls a procedure behind the guard, with a context of unknown type. */
function callWith(guard: { query(resolver: () => string): object }, ctx: object): Promise<unknown> {
  return callProcedure(
    guard.query(() => 'reached'),
    ctx,
  );
}
