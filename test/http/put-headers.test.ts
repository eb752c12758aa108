import { createSchema, createYoga } from 'graphql-yoga';
import { describe, expect, test } from 'vitest';
import { bearer } from '../../src/index.js';
import { type Context, requestOf, setUp } from './support/handle.js';

class JsonResponse extends Response {
  constructor(value: unknown) {
    super(JSON.stringify(value), { status: 201, headers: { 'content-type': 'application/json' } });
  }
}

class Redirection extends Response {
  constructor(to: string) {
    super(null, { status: 302, headers: { location: to } });
  }
}

describe('an answer with a new token', () => {
  const answer = (made: () => Response) => {
    const { sessions } = setUp({ sources: [bearer({ respond: true })] });
    return sessions.handle(requestOf(), async (context: Context) => {
      await context.sessions.create({ userId: 'ann' });
      return made();
    });
  };

  test('rule 24: may be of an own subclass, whose constructor takes other arguments', async () => {
    const json = await answer(() => new JsonResponse({ a: 1 }));
    expect([json.status, json.headers.get('content-type'), await json.json()]).toEqual([
      201,
      'application/json',
      { a: 1 },
    ]);
    expect(json.headers.get('session-token')).toMatch(/^ts_/);
    const redirection = await answer(() => new Redirection('/home'));
    expect([redirection.status, redirection.headers.get('location')]).toEqual([302, '/home']);
    expect(redirection.headers.get('session-token')).toMatch(/^ts_/);
  });

  test("rule 24: may be of a ponyfill, such as Yoga's on Node", async () => {
    const { Response: Ponyfill } = createYoga({
      schema: createSchema({ typeDefs: 'type Query { a: Int }' }),
    }).fetchAPI;
    const copy = await answer(() => new Ponyfill('done'));
    expect([await copy.text(), copy.headers.get('session-token')]).toEqual(['done', expect.any(String)]);
  });
});
