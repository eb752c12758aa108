import { isSessionError } from '../../core/error.js';
import type { RequestHandle, Unit } from '../../core/session/request-sessions.js';
import type { RequestSessions, Session } from '../../core/types.js';
import { OPEN_REQUEST, type Sessions } from '../../http/sessions.js';
import { toHttpError } from './errors.js';
import { type EndableResponse, holdEnd } from './response.js';

/**
 * What the middleware puts on a request. To have it on every request of an Express application:
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
  /** The request's session, or `null` when anonymous; follows create and destroy. What its data was changed to is saved. */
  readonly session: Session<Data> | null;
  readonly sessions: RequestSessions<Data, Input>;
}

/** As much of a Node request as the middleware needs: that of Express 4 and 5, Connect and plain `http` fits. */
export interface MiddlewareRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
}

export type SessionMiddleware = (req: MiddlewareRequest, res: EndableResponse, next: (error?: unknown) => void) => void;

/**
 * Middleware for Express 4 and 5, Connect and plain `http`: `req.session` and `req.sessions`, loaded before the next handler runs.
 * What changed is saved when the response ends, however it ends, and before the client can see its end; a response is not
 * delayed when nothing changed. A save that fails goes to the error handler while nothing has been sent; after that the
 * connection is cut, so that no client takes the answer for a success.
 *
 * A request that goes on to the tRPC or Yoga handler of the same server shares the session: it is loaded once.
 */
export function expressSessions<Data, Input>(sessions: Sessions<Data, Input>): SessionMiddleware {
  return (req, res, next) => {
    const handle = sessions[OPEN_REQUEST]({
      key: req,
      headers: req.headers,
      details: { method: req.method, url: req.url },
      target: { kind: 'node', response: res },
    });
    handle.begin().then(
      (unit) => {
        // Its draft is there for as long as the request: procedures and operations that run inside have their own, and do not wait for it.
        handle.detach(unit);
        attach(req, handle);
        saveAtEnd(res, handle, unit, next);
        next();
      },
      (error: unknown) => next(isSessionError(error) ? toHttpError(error) : error),
    );
  };
}

function attach<Data, Input>(req: MiddlewareRequest, handle: RequestHandle<Data, Input>): void {
  Object.defineProperties(req, {
    session: { get: () => handle.current, configurable: true, enumerable: true },
    sessions: { value: handle, configurable: true, enumerable: true },
  });
}

function saveAtEnd<Data, Input>(
  res: EndableResponse,
  handle: RequestHandle<Data, Input>,
  unit: Unit<Data>,
  next: (error?: unknown) => void,
): void {
  let saving: Promise<void> | undefined;
  const save = () => {
    saving ??= handle.commit(unit);
    return saving;
  };
  holdEnd(res, {
    isNeeded: () => unit.session?.isDirty ?? false,
    run: save,
    failed: (error) => next(isSessionError(error) ? toHttpError(error) : error),
  });
  res.once('close', () => {
    // The client went away, or the response has ended: what is not saved by now has nobody else to save it.
    save().catch((error: unknown) => handle.report(error));
  });
}
