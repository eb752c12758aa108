import type { RequestListener } from 'node:http';
import express from 'express';
import { createSessions, header, type SessionStore } from 'token-sessions';
import { expressSessions, type SessionRequest } from 'token-sessions/express';
import { type CallbackStore, expressLegacy } from 'token-sessions/express-store';

interface Data {
  userId: string;
  views?: number;
}

declare global {
  namespace Express {
    interface Request extends SessionRequest<Data> {}
  }
}

/**
 * The same application on this library. A session in the old store moves when its client comes
 * back.
 */
export function after(oldStore: CallbackStore, store: SessionStore): RequestListener {
  const legacy = expressLegacy(oldStore);
  const sessions = createSessions<Data>({ store, sources: [header('X-AUTH_TOKEN', { respond: true, legacy })] });
  const app = express();
  app.use(expressSessions(sessions));

  app.post('/login', async (req, res) => {
    const { token } = await req.sessions.create({ userId: 'ada' });
    res.end(token);
  });

  app.get('/', (req, res) => {
    const sess = req.session?.data;
    if (!sess) {
      res.status(401).end('log in first');
    } else if (sess.views) {
      res.write(`views: ${sess.views}`);
      sess.views++;
      res.end();
    } else {
      sess.views = 1;
      res.end('welcome to the session demo. refresh!');
    }
  });

  app.post('/logout', async (req, res) => {
    await req.session?.destroy();
    res.end('bye');
  });

  return app;
}
