import { RedisStore } from 'connect-redis';
import express from 'express';
import expressSession from 'express-session';
import { createClient } from 'redis';
import { expressSessions, type SessionRequest } from '../../dist/adapters/express/index.js';
import { createSessions } from '../../dist/index.js';
import { redisStore } from '../../dist/stores/redis/index.js';
import { type Account, accountOf } from '../contestants/accounts.ts';
import { ownCpu } from '../run/measure.ts';

declare module 'express-session' {
  interface SessionData {
    account: Account;
  }
}
declare global {
  namespace Express {
    interface Request extends Pick<SessionRequest<Account>, 'sessions'> {}
  }
}

/**
 * Serves one of {@link APPS}. The first message to the parent is the port. After that, it answers
 * each message with the CPU time so far, in µs.
 */
const [redisUrl = '', app = ''] = process.argv.slice(2);

const redis = createClient({ url: redisUrl });
await redis.connect();

type App = ReturnType<typeof express>;

function bare(): App {
  return express().get('/', (_req, res) => void res.json({ userId: 'anonymous' }));
}

/** Set up as its documentation shows. */
function peer(): App {
  const app = express();
  app.use(
    expressSession({
      store: new RedisStore({ client: redis }),
      secret: 'a secret of the bench',
      resave: false,
      saveUninitialized: false,
    }),
  );
  app.post('/login/:index', (req, res) => {
    req.session.account = accountOf(Number(req.params.index));
    res.json({});
  });
  return app.get('/', (req, res) => void res.json({ userId: req.session.account?.userId }));
}

function ours(): App {
  const app = express();
  app.use(expressSessions(createSessions<Account>({ store: redisStore(redis, { prefix: 'http:' }) })));
  app.post('/login/:index', async (req, res) => {
    const { token } = await req.sessions.create(accountOf(Number(req.params.index)));
    res.json({ token });
  });
  return app.get('/', (req, res) => void res.json({ userId: req.sessions.current?.data.userId }));
}

function listen(app: App): Promise<number> {
  return new Promise((resolve) => {
    const server = app.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
}

process.on('message', () => process.send?.(ownCpu()));
process.on('disconnect', () => process.exit());
const APPS: Readonly<Record<string, () => App>> = { bare, peer, ours };
process.send?.(await listen((APPS[app] ?? bare)()));
