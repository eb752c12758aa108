import { createExpressMiddleware } from '@trpc/server/adapters/express';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import type { Sessions } from '../../../src/index.js';
import type { Handler } from '../program.js';
import type { Data, Library } from './library.js';
import { codeOf, contextOf, type Part, perform } from './perform.js';
import { named, type Round } from './round.js';
import { makeTrpc } from './trpc-app.js';
import { makeYoga } from './yoga-app.js';

const STATUS = { ok: 200, created: 201, refused: 403, unavailable: 503 } as const;

/** All of the application: tRPC and Yoga alone, Express alone, and Express in front of the two. */
export function makeApp(library: Library, sessions: Sessions<Data>, roundNow: () => Round) {
  const trpc = makeTrpc(library, sessions, roundNow);
  const yoga = makeYoga(library, sessions, '/:place/graphql', roundNow);
  const { expressSessions, expressSessionErrors } = library.express;
  const app = express();
  // Errors of the program are not for the console.
  app.set('env', 'test');
  const serveTrpc = createExpressMiddleware({ ...trpc, onError: () => undefined });
  app.use('/alone/trpc', serveTrpc);
  app.use('/alone/graphql', (req, res) => void yoga(req, res));
  app.use('/front', begin(roundNow), expressSessions(sessions), handle(library, roundNow));
  app.use('/front/trpc', serveTrpc);
  app.use('/front/graphql', (req, res) => void yoga(req, res));
  onErrors(app, expressSessionErrors() as ErrorRequestHandler, roundNow);
  return { app, trpc, yoga };
}

function begin(roundNow: () => Round): RequestHandler {
  return async (req, _res, next) => {
    await roundNow().stage.turn(whoIn(req), 'begin');
    next();
  };
}

/** The handler of a request that Express answers, or that goes on. */
function handle(library: Library, roundNow: () => Round): RequestHandler {
  return async (req, res, next) => {
    const who = whoIn(req);
    const { stage, handlers } = roundNow();
    const handler = named(handlers, who);
    const part = partOf(library, req, who, handler, roundNow());
    stage.log(who, 'begun', { id: part.session?.id ?? null });
    try {
      await perform(handler.body, 'body', part);
      if (handler.end === 'throw') throw new Error('planned');
      stage.end(who, { ok: true });
      if (req.path === '/handler' || handler.end !== 'ok') res.status(STATUS[handler.end]).json({ done: who });
      else next();
    } catch (error) {
      stage.end(who, { code: codeOf(error) });
      throw error;
    }
  };
}

function partOf(
  library: Library,
  req: express.Request,
  who: string,
  { careful }: Handler,
  { stage, userName }: Round,
): Part {
  const callProcedure = () => Promise.reject(new Error('there is no tRPC here'));
  const context = contextOf(req);
  return { stage, library, who, careful, userName, context, session: context.session, callProcedure };
}

/**
 * Where the program wants it, errors go through the library's middleware to a handler of the
 * application.
 */
function onErrors(app: Express, sessionErrors: ErrorRequestHandler, roundNow: () => Round): void {
  const isGuarded = (req: express.Request) => roundNow().handlers.get(String(req.headers['x-who']))?.guarded === true;
  app.use(((error, req, res, next) =>
    isGuarded(req) ? sessionErrors(error, req, res, next) : next(error)) as ErrorRequestHandler);
  app.use(((error, req, res, next) =>
    isGuarded(req) ? res.status(400).json({}) : next(error)) as ErrorRequestHandler);
}

function whoIn(req: express.Request): string {
  return String(req.headers['x-who']);
}
