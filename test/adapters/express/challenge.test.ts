import express, { type ErrorRequestHandler } from 'express';
import express4 from 'express4';
import { describe, expect, test } from 'vitest';
import { expressSessionErrors, expressSessions } from '../../../src/adapters/express/index.js';
import { sessionProblem } from '../../../src/client/index.js';
import { requireFresh, requireSession } from '../../../src/index.js';
import { testClock } from '../../support/clock.js';
import { listen, setUp } from './support/app.js';

const hosts: [string, () => express.Express][] = [
  ['Express 5', () => express()],
  ['Express 4', () => express4()],
];

async function serve(app: express.Express, answerErrors?: ErrorRequestHandler) {
  const clock = testClock();
  const { sessions, get } = setUp({ now: clock.now });
  const { token } = await sessions.create({ userId: 'ann' });
  clock.advance(600_000);
  app.set('env', 'test');
  app.use(expressSessions(sessions));
  app.get('/me', (req, res) => void res.json(requireSession(req).data));
  app.get('/fresh', (req, res) => void res.json(requireFresh(req, '5m').data));
  app.get('/late', (_req, _res, next) => void setImmediate(next));
  app.get('/late', (req, res) => void res.json(requireFresh(req, '5m').data));
  app.get('/own', (_req, res) => void res.sendStatus(401));
  app.get('/gone', (req, res, next) => {
    const write = async () => {
      await sessions.destroy(req.session?.id ?? '');
      await req.session?.update((data) => {
        data.views = 1;
      });
    };
    write().then(() => res.json({}), next);
  });
  if (answerErrors) app.use(expressSessionErrors(), answerErrors);
  const url = await listen(app);
  return { token, ask: (path: string, sent?: string) => get(url + path, sent) };
}

const challengeOf = ({ status, headers }: Response) => [status, headers.get('www-authenticate')];

describe.each(hosts)('an answer of 401 on %s', (_name, makeApp) => {
  test('rule 26: says whether a session is missing, or a more recent login', async () => {
    const { ask, token } = await serve(makeApp());
    const [missing, unknown, stale] = [await ask('/me'), await ask('/me', 'ts_x'), await ask('/fresh', token)];
    expect(challengeOf(missing)).toEqual([401, 'Bearer']);
    expect(challengeOf(unknown)).toEqual([401, 'Bearer error="invalid_token"']);
    expect(challengeOf(stale)).toEqual([401, 'Bearer error="insufficient_user_authentication", max_age=300']);
    expect([unknown, stale].map(sessionProblem)).toEqual(['ended', 'step-up']);
    // Something may have run before, so the client must not repeat the request.
    expect(challengeOf(await ask('/late', token))).toEqual([401, 'Bearer']);
  });

  test('rule 26: of the application itself has no challenge', async () => {
    const { ask, token } = await serve(makeApp());
    const own = await ask('/own', token);
    expect(challengeOf(own)).toEqual([401, null]);
    expect(sessionProblem(own)).toBeUndefined();
  });

  test('rule 26: to any error of the library has a challenge behind expressSessionErrors()', async () => {
    const { ask, token } = await serve(makeApp(), (error, _req, res, _next) => {
      res.status(error.status).json({ code: error.code });
    });
    const gone = await ask('/gone', token);
    expect(challengeOf(gone)).toEqual([401, 'Bearer']);
    expect(await gone.json()).toEqual({ code: 'SESSION_GONE' });
  });

  test('rule 26: keeps a challenge that the application has set', async () => {
    const { ask } = await serve(makeApp(), (error, _req, res, _next) => {
      res.status(error.status).setHeader('www-authenticate', 'DPoP').json({ code: error.code });
    });
    expect(challengeOf(await ask('/me'))).toEqual([401, 'DPoP']);
  });
});
