import { Hono } from 'hono';
import { cookie, createSessions, requireSession, type SessionContextOf } from 'token-sessions';
import { honoSessions } from 'token-sessions/hono';

const sessions = createSessions<{ userId: string; theme: string }>({ sources: [cookie()] });

/** Runs on any runtime: `app.fetch` takes Fetch requests, and `@hono/node-server` serves them. */
export const app = new Hono<{ Variables: SessionContextOf<typeof sessions> }>();

app.use(honoSessions(sessions));
// A real login checks a password here.
app.post('/login', async (c) => {
  await c.var.sessions.create({ userId: 'ada', theme: 'light' });
  return c.body(null, 204);
});
app.get('/me', (c) => c.json(requireSession(c.var).data));
// The middleware saves this, because the answer is not 5xx.
app.post('/theme/:name', (c) => {
  requireSession(c.var).data.theme = c.req.param('name');
  return c.body(null, 204);
});
app.post('/logout', async (c) => {
  await c.var.session?.destroy();
  return c.body(null, 204);
});
