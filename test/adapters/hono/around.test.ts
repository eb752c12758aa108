import { Hono, type MiddlewareHandler } from 'hono';
import { describe, expect, test } from 'vitest';
import { honoSessions } from '../../../src/adapters/hono/index.js';
import { cookie, createSessions, type SessionContextOf } from '../../../src/index.js';

const sessions = createSessions<{ userId: string }>({ sources: [cookie('sid', { secure: false })] });
type Variables = SessionContextOf<typeof sessions> & { result: string };

/** The answer to a login or logout, with this middleware around the sessions. */
async function answerOf(path: string, around: MiddlewareHandler<{ Variables: Variables }>) {
  const { token } = await sessions.create({ userId: 'ann' });
  const app = new Hono<{ Variables: Variables }>();
  app.use(around, honoSessions(sessions));
  app.post('/login', async (c) => {
    c.set('result', (await c.var.sessions.create({ userId: 'bob' })).id);
  });
  app.post('/logout', async (c) => {
    await c.var.session?.destroy();
    return c.text('out');
  });
  app.onError((_error, c) => c.text('failed', 500));
  const answer = await app.request(path, { method: 'POST', headers: { cookie: `sid=${token}` } });
  const cookies = answer.headers.getSetCookie().map((each) => each.slice(0, each.indexOf('=')));
  return { answer, cookies, text: await answer.text() };
}

describe('middleware around the sessions that answers', () => {
  test('rule 24: after a handler that does not, sends its own answer with the cookie of a login', async () => {
    const { answer, cookies, text } = await answerOf('/login', async (c, next) => {
      await next();
      return c.json({ result: c.var.result }, 201);
    });
    expect([answer.status, cookies, answer.headers.get('cache-control')]).toEqual([201, ['sid'], 'no-store']);
    expect(await sessions.find(JSON.parse(text).result)).not.toBeNull();
  });

  test.each(['/login', '/logout'])('rule 24: with cookies of its own, sends them all: %s', async (path) => {
    const headers = [
      ['set-cookie', 'theme=dark'],
      ['set-cookie', 'lang=en'],
    ] as [string, string][];
    const { cookies, text } = await answerOf(path, async (c, next) => {
      await next();
      c.res = new Response('own', { headers });
    });
    expect([cookies, text]).toEqual([['theme', 'lang', 'sid'], 'own']);
  });
});

test('a handler that answers nothing is the error that Hono makes of it, after a login too', async () => {
  const { answer, text } = await answerOf('/login', (_c, next) => next());
  expect([answer.status, text]).toEqual([500, 'failed']);
});
