import { isSessionError } from '../../core/error.js';
import type { Call } from '../../core/session/call.js';
import type { RequestSessions, Session } from '../../core/types.js';
import { challenge } from '../../http/errors.js';
import { callOf, hostOf } from '../../http/host.js';
import { field } from '../../http/hosts.js';
import type { EndableResponse } from '../../http/node-end.js';
import { onHead } from '../../http/node-head.js';
import { concludeWithResponse, markFailed } from '../../http/node-outcome.js';
import { openNode, openOnlyCall } from '../../http/node-request.js';
import type { Sessions } from '../../http/sessions.js';
import { toHttpError } from './errors.js';

/**
 * The fields that the middleware adds to a request. To have them in every Express request type:
 *
 * ```ts
 * declare global {
 *   namespace Express {
 *     interface Request extends SessionRequest<Data> {}
 *   }
 * }
 * ```
 */
export interface SessionRequest<Data, Input = Data> {
  /** The request's session, or `null` when anonymous. Follows create and destroy. */
  readonly session: Session<Data> | null;
  /** The operations on sessions that the request can do: log in, list, log out elsewhere. */
  readonly sessions: RequestSessions<Data, Input>;
}

/**
 * The part of a Node request that the middleware needs. Express 4 and 5, Connect and `http` have
 * it.
 */
export interface MiddlewareRequest {
  /** As Node has them: names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Cookies need it to know which requests are safe. */
  readonly method?: string | undefined;
  /** The path. Cookies need it to recognise your own origin. */
  readonly url?: string | undefined;
}

type NextFunction = (error?: unknown) => void;

/** Middleware, as Express, Connect and plain `http` take it. */
export type SessionMiddleware = (req: MiddlewareRequest, res: EndableResponse, next: NextFunction) => void;

/** Error middleware, as Express and Connect take it. */
export type SessionErrorMiddleware = (
  error: unknown,
  req: MiddlewareRequest,
  res: EndableResponse,
  next: NextFunction,
) => void;

/**
 * Middleware for Express 4 and 5, Connect and plain `http`: `req.session` and `req.sessions`,
 * loaded before the next handler runs. Changes by the handlers are saved before the response ends,
 * unless its status is 500 or more. If nothing changed, the response is not delayed. A save that
 * fails goes to the error handler while nothing has been sent. After that the connection is cut,
 * so that no client takes the answer for a success. The exception is a session that another
 * request has ended meanwhile: that end counts as one after the answer.
 *
 * An answer of 401 to an error of `requireSession` or `requireFresh` has the header
 * `WWW-Authenticate`, by which clients distinguish the two. It asks a client to log in again and
 * repeat the request only if nothing after this middleware has waited before `requireFresh`.
 *
 * A request that goes on to the tRPC or Yoga handler of the same server shares the session: it is
 * loaded once, and the calls there run in this one.
 *
 * @example
 * app.use(expressSessions(sessions));
 * app.get('/me', (req, res) => res.json(requireSession(req).data));
 *
 * @throws `NOT_SUPPORTED` unless `sessions` is what a `createSessions` of this version returned
 */
export function expressSessions<Data, Input>(sessions: Sessions<Data, Input>): SessionMiddleware {
  const host = hostOf(sessions);
  return (req, res, next) => {
    const opened = openNode(host, req, req, res);
    // The application installs the middleware twice.
    if (opened.enclosing) return next();
    const call = openOnlyCall(opened);
    call.admit().then(
      () => {
        attach(req, call);
        if (opened.isPersistent) return call.start(next);
        onHead(res, (status) => {
          if (status === 401 && call.refusal && res.getHeader('www-authenticate') === undefined)
            res.setHeader('www-authenticate', challenge(call.refusal, opened));
        });
        concludeWithResponse(call, res, (error) => next(toHttpError(error)));
        call.start(next);
      },
      (error: unknown) => next(toHttpError(error)),
    );
  };
}

/**
 * Error middleware, for an application whose own error handler answers with a status below 500:
 * put it before that handler. The changes of the request are dropped, as after an answer of 5xx.
 *
 * @example
 * app.use(expressSessionErrors());
 * app.use(answerErrors);
 */
export function expressSessionErrors(): SessionErrorMiddleware {
  return (error, req, _res, next) => {
    const call = callOf(field(req, 'sessions'));
    if (call) {
      markFailed(call);
      for (const each of hiddenBy(req)) markFailed(each);
      if (isSessionError(error)) call.refusal = error;
    }
    next(error);
  };
}

/** The calls of other `createSessions` on a request, which the last one hides. */
const HIDDEN: unique symbol = Symbol.for('token-sessions.express.hidden');

function hiddenBy(req: MiddlewareRequest): readonly Call[] {
  return (field(req, HIDDEN) as readonly Call[] | undefined) ?? [];
}

function attach(req: MiddlewareRequest, call: Call): void {
  const hidden = callOf(field(req, 'sessions'));
  if (hidden) Object.defineProperty(req, HIDDEN, { value: [...hiddenBy(req), hidden], configurable: true });
  Object.defineProperty(req, 'sessions', { value: call.sessions, configurable: true, enumerable: true });
  Object.defineProperty(req, 'session', SESSION);
}

/**
 * The same for all requests: with a function for each, their objects would share no shape, and the
 * engine would be slow to read them. The call is found again on a proxy or a copy of the request.
 */
const SESSION = {
  get(this: unknown): Session<unknown> | null {
    return callOf(field(this, 'sessions'))?.shownSession ?? null;
  },
  configurable: true,
  enumerable: true,
};
