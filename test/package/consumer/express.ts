import express from 'express';
import type { Session } from 'token-sessions';
import { expressSessions, type SessionRequest } from 'token-sessions/express';
import { type Data, type Input, sessions } from './core.js';
import { holds, type Same } from './same.js';

declare global {
  namespace Express {
    interface Request extends SessionRequest<Data, Input> {}
  }
}

export const app = express();
app.use(expressSessions(sessions));
app.get('/me', (req, res) => {
  holds<Same<typeof req.session, Session<Data> | null>>();
  res.json(req.session?.data ?? null);
});

const server = app.listen(0);
try {
  const address = server.address();
  const { token } = await sessions.create({ userId: 'ada' });
  const url = `http://localhost:${typeof address === 'object' ? address?.port : ''}/me`;
  const answer = await (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).text();
  if (answer !== '{"userId":"ada","views":0}') throw new Error(`the session was not found by its token: ${answer}`);
} finally {
  server.close();
}
