// All in one file: the tests share a server whose resolvers fail in every way.
import { inspect } from 'node:util';
import { GraphQLError } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { requireFresh, requireSession, useSession } from '../../../src/adapters/yoga/index.js';
import { createSessions, type SessionContext, SessionError, type SessionErrorCode } from '../../../src/index.js';
import { listenInTest } from '../../support/http.js';
import { ANN, type Data, type Handlers, makeSchema } from './support/app.js';
import { bearer, codesOf, post, resultOf } from './support/client.js';
import { makeSessions, startYoga } from './support/setup.js';

const handlers: Handlers = {
  run: {
    me: (ctx) => requireSession(ctx).data.userId,
    news: () => 'news',
    transfer: (ctx) => requireFresh(ctx, '5m').data.userId,
  },
};

describe('401 and its challenge', () => {
  test('an anonymous request is answered with Bearer only', async () => {
    const { send } = await startYoga(handlers);
    const answer = await send('{ required(op: "me") }');
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(resultOf(answer)).toEqual({
      data: null,
      errors: [
        {
          message: 'A session is required',
          locations: [{ line: 1, column: 3 }],
          path: ['required'],
          extensions: { code: 'UNAUTHENTICATED' },
        },
      ],
    });
  });

  test.each(['nonsense', 'ts_019a0000-0000-7000-8000-000000000000.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxA'])(
    'a token that opens nothing (%s) is answered with invalid_token',
    async (token) => {
      const { send } = await startYoga(handlers);
      const answer = await send('{ run(op: "me") }', bearer(token));
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
      expect(answer.text).not.toContain(token);
    },
  );

  test.each(['application/json', 'application/graphql-response+json'])(
    'the challenge is sent whatever the client accepts (%s)',
    async (accept) => {
      const { send } = await startYoga(handlers);
      expect((await send('{ required(op: "me") }', { accept })).status).toBe(401);
    },
  );

  test('the error has only its code if other fields have answered', async () => {
    const { send } = await startYoga(handlers);
    const answer = await send('{ run(op: "me") news: run(op: "news") }');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('www-authenticate')).toBeNull();
    expect(resultOf(answer)).toMatchObject({
      data: { run: null, news: 'news' },
      errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
    });
  });

  test('a session that was authenticated too long ago gets the challenge of RFC 9470', async () => {
    const { asAnn, clock } = await startYoga(handlers);
    clock.advance(300_000);
    expect(resultOf(await asAnn('{ run(op: "transfer") }')).data).toEqual({ run: 'ann' });
    clock.advance(1);
    const answer = await asAnn('{ run(op: "transfer") }');
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_user_authentication", max_age=300',
    );
    expect(codesOf(resultOf(answer))).toEqual(['STEP_UP_REQUIRED']);
  });

  test('a mutation of which more ran gets no step-up challenge, because a client would run the rest again', async () => {
    let ran = 0;
    const run = {
      transfer: (ctx: SessionContext<Data>) => requireFresh(ctx, '5m').data.userId,
      late: async (ctx: SessionContext<Data>) => {
        await Promise.resolve();
        return requireFresh(ctx, '5m').data.userId;
      },
      work: () => {
        ran += 1;
        throw new GraphQLError('refused');
      },
    };
    const { asAnn, clock } = await startYoga({ run });
    clock.advance(300_001);
    const challengeOf = async (query: string) => (await asAnn(query)).headers.get('www-authenticate');
    expect(await challengeOf('mutation { run(op: "transfer") }')).toContain('insufficient_user_authentication');
    expect(await challengeOf('mutation { a: run(op: "work") b: run(op: "transfer") }')).toBe('Bearer');
    expect(await challengeOf('mutation { a: run(op: "transfer") b: run(op: "work") }')).toBe('Bearer');
    expect(await challengeOf('mutation { a: required(op: "work") b: required(op: "transfer") }')).toBeNull();
    expect(await challengeOf('mutation { run(op: "late") }')).toBe('Bearer');
    expect(ran).toBe(3);
  });

  test('a request of which a part ran gets no challenge that a client answers by sending it again', async () => {
    const { sessions, id, asAnn, send } = await startYoga({
      run: {
        work: () => 'done',
        me: (ctx) => requireSession(ctx).data.userId,
        endsMeanwhile: async (ctx) => {
          const session = requireSession(ctx);
          await (await sessions.find(id))?.destroy();
          await session.update((data) => {
            data.views += 1;
          });
          return 'updated';
        },
      },
    });
    const two = await send('mutation { required(op: "work") second: required(op: "me") }', bearer('nonsense'));
    const ended = await asAnn('mutation { required(op: "endsMeanwhile") }');
    for (const answer of [two, ended]) {
      expect(answer.status).toBe(401);
      expect(codesOf(resultOf(answer))).toEqual(['UNAUTHENTICATED']);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  test('requireFresh refuses an anonymous request', async () => {
    const { send } = await startYoga(handlers);
    const answer = await send('{ run(op: "transfer") }');
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(codesOf(resultOf(answer))).toEqual(['UNAUTHENTICATED']);
  });
});

describe('503 and 500', () => {
  test('invariant 6: an outage reveals nothing else to the client', async () => {
    const news = vi.fn(() => 'news');
    const { asAnn, store } = await startYoga({ run: { news } });
    store.before = () => {
      throw new Error('connection refused by db.internal');
    };
    const answer = await asAnn('{ run(op: "news") }');
    expect(answer.status).toBe(503);
    expect(answer.headers.get('content-type')).toContain('json');
    expect(answer.headers.get('www-authenticate')).toBeNull();
    expect(JSON.parse(answer.text)).toEqual({
      errors: [{ message: 'Sessions are not available at the moment', extensions: { code: 'SERVICE_UNAVAILABLE' } }],
    });
    expect(news).not.toHaveBeenCalled();
  });

  test('invariant 6: in an outage, no other plugin takes the request for an anonymous one', async () => {
    const seen = vi.fn();
    const auth = {
      onContextBuilding: ({ context }: { context: { session: unknown } }) => {
        seen(context.session);
        throw new GraphQLError('Who are you?', { extensions: { http: { status: 401 } } });
      },
    };
    const { asAnn, store } = await startYoga(handlers, { plugins: [auth] });
    store.before = () => {
      throw new Error('connection refused by db.internal');
    };
    expect((await asAnn('{ run(op: "news") }')).status).toBe(503);
    expect(seen).not.toHaveBeenCalled();
  });

  test('invariant 6: in an outage, resolvers do not either if another plugin prevents the context', async () => {
    const made = await makeSessions();
    const news = vi.fn(() => 'news');
    const short: Plugin = { onContextBuilding: ({ breakContextBuilding }) => breakContextBuilding() };
    const yoga = createYoga({
      schema: makeSchema({ run: { news } }),
      logging: false,
      plugins: [short, useSession(made.sessions)],
    });
    const { url } = await listenInTest(yoga);
    const ask = () => post(`${url}/graphql`, { query: '{ run(op: "news") }' }, bearer(made.token));
    expect(resultOf(await ask()).data).toEqual({ run: 'news' });
    made.store.before = () => {
      throw new Error('connection refused by db.internal');
    };
    expect((await ask()).status).toBe(503);
    expect(news).toHaveBeenCalledOnce();
  });

  test('a schema that throws is logged', async () => {
    let isBroken = false;
    const schema = z.object({ userId: z.string(), theme: z.string(), views: z.number() }).refine(() => {
      if (isBroken) throw new TypeError('internal detail');
      return true;
    });
    const logged = vi.fn();
    const sessions = createSessions({ schema, logger: { warn() {}, error: logged } });
    const { token } = await sessions.create(ANN);
    const error = vi.fn();
    const logging = { debug() {}, info() {}, warn() {}, error };
    const yoga = createYoga({ schema: makeSchema(handlers), logging, plugins: [useSession(sessions)] });
    const { url } = await listenInTest(yoga);
    isBroken = true;
    // A field that reads no data goes on, as with a record that the schema refuses.
    expect((await post(`${url}/graphql`, { query: '{ run(op: "news") }' }, bearer(token))).status).toBe(200);
    expect(logged.mock.calls.join()).toContain('internal detail');
    const answer = await post(`${url}/graphql`, { query: '{ required(op: "me") }' }, bearer(token));
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('internal detail');
    // As a console prints it.
    expect(inspect(error.mock.calls, { depth: 9 })).toContain('internal detail');
  });

  test('rule 26: data that cannot be saved is a 422', async () => {
    const handlers: Handlers = {
      run: {
        spoil: (ctx) => {
          requireSession(ctx).data.views = Number.NaN;
          return 'done';
        },
      },
    };
    const { asAnn, stored } = await startYoga(handlers);
    const answer = await asAnn('mutation { run(op: "spoil") }');
    expect(answer.status).toBe(422);
    expect(resultOf(answer)).toEqual({
      data: null,
      errors: [{ message: 'The data cannot be kept in the session', extensions: { code: 'INVALID_DATA' } }],
    });
    expect((await stored())?.views).toBe(0);
  });
});

describe('a SessionError from a resolver', () => {
  const cases: readonly (readonly [SessionErrorCode, string, number])[] = [
    ['SESSION_GONE', 'UNAUTHENTICATED', 401],
    ['STORE_UNAVAILABLE', 'SERVICE_UNAVAILABLE', 503],
    ['UNAUTHENTICATED', 'UNAUTHENTICATED', 401],
    ['STEP_UP_REQUIRED', 'STEP_UP_REQUIRED', 401],
    ['CONFLICT', 'CONFLICT', 409],
    ['TOKEN_REPLACED', 'TOKEN_REPLACED', 409],
    ['LIMIT_REACHED', 'LIMIT_REACHED', 429],
    ['CROSS_SITE', 'CROSS_SITE', 403],
    ['INVALID_DATA', 'INVALID_DATA', 422],
    ['INVALID_OPTION', 'INTERNAL_SERVER_ERROR', 500],
    ['NOT_SUPPORTED', 'INTERNAL_SERVER_ERROR', 500],
    ['HEADERS_SENT', 'INTERNAL_SERVER_ERROR', 500],
  ];

  test.each(cases)(
    'rule 26: %s is %s with status %i, and reveals none of its message',
    async (code, expected, status) => {
      const run = {
        fail: () => {
          throw new SessionError(code, 'internal detail');
        },
      };
      for (const maskedErrors of [true, false]) {
        const { asAnn } = await startYoga({ run }, { maskedErrors });
        const answer = await asAnn('{ required(op: "fail") }');
        expect(answer.status).toBe(status);
        expect(codesOf(resultOf(answer))).toEqual([expected]);
        expect(answer.text).not.toContain('internal detail');
      }
    },
  );

  test('is the cause of the error, for plugins that log', async () => {
    const failure = new SessionError('STORE_UNAVAILABLE', 'internal detail');
    const seen: unknown[] = [];
    const fail = () => {
      throw failure;
    };
    const spy = {
      onExecute: () => ({
        onExecuteDone: ({ result }: { result: { errors?: readonly Error[] } }) =>
          void seen.push(...(result.errors ?? [])),
      }),
    };
    const { asAnn } = await startYoga({ run: { fail } }, { plugins: [spy] });
    await asAnn('{ run(op: "fail") }');
    expect(seen).toEqual([expect.objectContaining({ cause: failure })]);
    const own = new Error('own', { cause: failure });
    expect(Object.getOwnPropertyDescriptor(seen[0], 'cause')).toEqual(Object.getOwnPropertyDescriptor(own, 'cause'));
  });

  test('on Yoga, which masks last, reaches the plugins before this one as the resolver threw it', async () => {
    const failure = new SessionError('STORE_UNAVAILABLE', 'internal detail');
    const fail = () => {
      throw failure;
    };
    const seen: unknown[] = [];
    const before: Plugin = {
      onExecute: () => ({
        onExecuteDone: ({ result }) => {
          if ('errors' in result) seen.push(result.errors?.[0]?.originalError);
        },
      }),
    };
    const { sessions } = await makeSessions();
    const plugins = [before, useSession(sessions)];
    const yoga = createYoga<object, object>({ schema: makeSchema({ run: { fail } }), logging: false, plugins });
    const { url } = await listenInTest(yoga);
    const answer = await post(`${url}/graphql`, { query: '{ run(op: "fail") }' });
    expect(codesOf(resultOf(answer))).toEqual(['SERVICE_UNAVAILABLE']);
    expect(seen).toEqual([failure]);
  });

  test("keeps the application's message if the application wrapped it", async () => {
    const run = {
      fail: () => {
        const originalError = new SessionError('CONFLICT', 'internal detail');
        throw new GraphQLError('Another request was faster.', { originalError, extensions: { code: 'OWN' } });
      },
    };
    const { asAnn } = await startYoga({ run }, { maskedErrors: false });
    expect(resultOf(await asAnn('{ run(op: "fail") }')).errors).toMatchObject([
      { message: 'Another request was faster.', extensions: { code: 'OWN' } },
    ]);
  });
});
