import express from 'express';
import session from 'express-token-session';

/** The store that it had. */
export const oldStore = () => new session.MemoryStore();

/** The view counter of the README of `express-token-session`, with a login. */
export function before(store) {
  const app = express();
  app.use(session({ key: 'X-AUTH_TOKEN', store }));

  app.post('/login', (req, res) => {
    session.generate(req);
    req.session.userId = 'ada';
    res.end(req.sessionToken);
  });

  app.get('/', (req, res) => {
    const sess = req.session;
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

  return app;
}
