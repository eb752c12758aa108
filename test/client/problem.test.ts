import { CombinedGraphQLErrors, ServerError } from '@apollo/client/errors';
import { TRPCClientError } from '@trpc/client';
import { CombinedError } from '@urql/core';
import { GraphQLError } from 'graphql';
import { describe, expect, test } from 'vitest';
import { sessionProblem } from '../../src/client/index.js';

const CODES = [
  ['UNAUTHENTICATED', 'ended'],
  ['SESSION_GONE', 'ended'],
  ['TOKEN_REPLACED', 'replaced'],
  ['STEP_UP_REQUIRED', 'step-up'],
  ['SERVICE_UNAVAILABLE', 'unavailable'],
  ['STORE_UNAVAILABLE', 'unavailable'],
] as const;

function answer(status: number, challenge?: string): Response {
  return new Response('', { status, headers: challenge === undefined ? {} : { 'www-authenticate': challenge } });
}

/** An error as tRPC's client makes it from the server's answer. */
function trpcError(data: Readonly<Record<string, unknown>>, meta?: Record<string, unknown>): Error {
  const error = { message: 'refused', code: -32001, data };
  return TRPCClientError.from({ error }, meta ? { meta } : {});
}

describe.each(CODES)('the code %s', (code, problem) => {
  test.each([
    ['tRPC with the error formatter', trpcError({ code: 'UNAUTHORIZED', httpStatus: 401, sessionCode: code })],
    ['a GraphQL error', new GraphQLError('refused', { extensions: { code } })],
    ['a GraphQL error as it arrives', { message: 'refused', extensions: { code } }],
    ['a GraphQL result', { data: null, errors: [{ message: 'other' }, { message: 'refused', extensions: { code } }] }],
    [
      'urql',
      new CombinedError({ graphQLErrors: [{ message: 'refused', extensions: { code } }], response: answer(200) }),
    ],
    ['Apollo Client', new CombinedGraphQLErrors({ errors: [{ message: 'refused', extensions: { code } }] })],
    [
      'Apollo Client 3',
      Object.assign(new Error('refused'), { graphQLErrors: [{ extensions: { code } }], networkError: null }),
    ],
    ['graphql-ws, whose errors come as a list', [{ message: 'refused', extensions: { code } }]],
    ['problem details', { type: 'about:blank', status: 401, code }],
    [
      'an error that another one wraps',
      new Error('outer', { cause: new GraphQLError('refused', { extensions: { code } }) }),
    ],
  ])('is found in %s', (_, error) => {
    expect(sessionProblem(error)).toBe(problem);
  });
});

describe('a response', () => {
  test.each([
    ['Bearer error="invalid_token"', 'ended'],
    ['bearer ERROR=invalid_token', 'ended'],
    ['Bearer realm="a, b", error="invalid_token", error_description="gone"', 'ended'],
    ['Basic realm="x", Bearer error="invalid_token"', 'ended'],
    ['Bearer error="insufficient_user_authentication", max_age=300', 'step-up'],
    ['Bearer scope="a b",error="insufficient_user_authentication"', 'step-up'],
    ['Bearer', undefined],
    ['Bearer realm="error=invalid_token"', undefined],
    ['Bearer error="insufficient_scope"', undefined],
    ['Bearer realm="x", DPoP error="invalid_token"', undefined],
    ['DPoP error="invalid_token"', undefined],
    ['Basic realm="x"', undefined],
  ])('of 401 with %s is %s', (challenge, problem) => {
    expect(sessionProblem(answer(401, challenge))).toBe(problem);
  });

  test.each([
    [503, 'unavailable'],
    [401, undefined],
    [403, undefined],
    [409, undefined],
    [500, undefined],
  ])('of %s alone is %s', (status, problem) => {
    expect(sessionProblem(answer(status))).toBe(problem);
  });

  test('is found in the errors that clients make of it', () => {
    const ended = answer(401, 'Bearer error="invalid_token"');
    const errors = [
      new TRPCClientError('not JSON', { meta: { response: ended } }),
      new CombinedError({ networkError: new Error('Unauthorized'), response: ended }),
      new ServerError('Unauthorized', { response: ended, bodyText: '' }),
      Object.assign(new Error('Unauthorized'), {
        networkError: Object.assign(new Error('Unauthorized'), { response: ended }),
      }),
      Object.assign(new Error('graphql-sse'), { response: ended }),
    ];
    expect(errors.map(sessionProblem)).toEqual(errors.map(() => 'ended'));
  });
});

describe('a socket that the server has closed', () => {
  test('for lack of a session means ended', () => {
    expect(sessionProblem({ code: 4401, reason: 'Unauthorized', wasClean: true })).toBe('ended');
    expect(
      sessionProblem(new CombinedError({ networkError: Object.assign(new Error('closed'), { code: 4401 }) })),
    ).toBe('ended');
  });

  test.each([1000, 1006, 1012, 4400, 4403, 4500])('with code %s means something else', (code) => {
    expect(sessionProblem({ code, reason: '' })).toBeUndefined();
  });
});

test.each([
  [
    "an application's own UNAUTHORIZED",
    trpcError({ code: 'UNAUTHORIZED', httpStatus: 401 }, { response: answer(401) }),
  ],
  ['another error of tRPC', trpcError({ code: 'BAD_REQUEST', httpStatus: 400 })],
  ['a failed connection', new TypeError('fetch failed')],
  ['a code alone, which may be anybody’s', Object.assign(new Error('grpc'), { code: 'UNAUTHENTICATED' })],
  ['data of the application', { data: { error: { extensions: { code: 'UNAUTHENTICATED' } } } }],
  ['a name of every object', new GraphQLError('odd', { extensions: { code: 'constructor' } })],
  ['nothing', undefined],
  ['null', null],
  ['text', 'UNAUTHENTICATED'],
])('%s is no problem of the session', (_, error) => {
  expect(sessionProblem(error)).toBeUndefined();
});

test('errors that cause each other do not make an endless loop', () => {
  const [first, second] = [new Error('first'), new Error('second')];
  first.cause = second;
  second.cause = first;
  expect(sessionProblem(first)).toBeUndefined();
});
