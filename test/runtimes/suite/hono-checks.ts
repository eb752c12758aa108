import { deepStrictEqual, match, strictEqual } from 'node:assert';
import { Hono } from 'hono';
import { requireSession, type SessionContextOf, type Sessions } from 'token-sessions';
import { honoSessions } from 'token-sessions/hono';
import type { Check, OpenStore } from './check.js';
import { ADA, cookieOf, cookieSessionsOn, type Data } from './data.js';

function start(sessions: Sessions<Data>) {
  const app = new Hono<{ Variables: SessionContextOf<typeof sessions> }>();
  app.use(honoSessions(sessions));
  app.post('/login', async (c) => {
    await c.var.sessions.create(ADA);
    return c.body(null, 204);
  });
  app.get('/me', (c) => c.json(requireSession(c.var).data));
  app.post('/theme/:status', (c) => {
    requireSession(c.var).data.theme = 'dark';
    return c.text('changed', c.req.param('status') === '500' ? 500 : 200);
  });
  app.post('/visit', async (c) => {
    await requireSession(c.var).update((data) => {
      data.views += 1;
    });
    return c.body(null, 204);
  });
  app.post('/logout', async (c) => {
    await c.var.session?.destroy();
    return c.body(null, 204);
  });
  const send = (method: string, path: string, cookie = ''): Promise<Response> =>
    Promise.resolve(
      app.fetch(new Request(`https://app.example${path}`, { method, headers: cookie === '' ? {} : { cookie } })),
    );
  const login = async (): Promise<string> => cookieOf(await send('POST', '/login'));
  return { send, login };
}

type Run = (sessions: Sessions<Data>) => Promise<void>;

const CHECKS: Record<string, Run> = {
  'login, read, change and logout': async (sessions) => {
    const { send, login } = start(sessions);
    const cookie = await login();
    match(cookie, /=ts_/);
    strictEqual((await send('POST', '/theme/200', cookie)).status, 200);
    deepStrictEqual(await (await send('GET', '/me', cookie)).json(), { ...ADA, theme: 'dark' });
    match((await send('POST', '/logout', cookie)).headers.getSetCookie().join(), /Max-Age=0/);
    strictEqual((await send('GET', '/me', cookie)).status, 401);
  },
  'an answer of 500 saves nothing': async (sessions) => {
    const { send, login } = start(sessions);
    const cookie = await login();
    strictEqual((await send('POST', '/theme/500', cookie)).status, 500);
    deepStrictEqual(await (await send('GET', '/me', cookie)).json(), ADA);
  },
  'a refusal is a problem document': async (sessions) => {
    const { send } = start(sessions);
    const refused = await send('GET', '/me');
    const { code, status }: { code: string; status: number } = JSON.parse(await refused.text());
    deepStrictEqual(
      [refused.status, refused.headers.get('content-type'), code, status],
      [401, 'application/problem+json', 'UNAUTHENTICATED', 401],
    );
  },
  'of 30 requests at once each counts': async (sessions) => {
    const { send, login } = start(sessions);
    const cookie = await login();
    await Promise.all(Array.from({ length: 30 }, () => send('POST', '/visit', cookie)));
    strictEqual(JSON.parse(await (await send('GET', '/me', cookie)).text()).views, 30);
  },
};

/** Hono, with the token in a cookie. */
export function honoChecks(open: OpenStore): Check[] {
  return Object.entries(CHECKS).map(([title, run]) => ({
    suite: 'Hono',
    title,
    run: async () => {
      const sessions = cookieSessionsOn(open());
      await run(sessions);
      await sessions.close();
    },
  }));
}
