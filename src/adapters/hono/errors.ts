import type { Context } from 'hono';
import { isSessionError, SessionError } from '../../core/error.js';
import type { Call } from '../../core/session/call.js';
import { challenge, type Exchange } from '../../http/errors.js';
import { problem, reportInternal } from '../../http/handle.js';
import { field } from '../../http/hosts.js';

/**
 * Lets Hono's own error handler answer a library error as it answers an `HTTPException`. An
 * `onError` of the application still comes first.
 */
export function answerLikeHono(): void {
  Object.defineProperty(SessionError.prototype, 'getResponse', {
    configurable: true,
    value(this: SessionError): Response {
      // Where the middleware is missing, nothing else logs the mistake.
      if (this.code === 'NOT_SUPPORTED') console.error(this);
      return problem(this, { tokenSent: false });
    },
  });
}

/** Completes the answer that Hono made for a library error of a handler. */
export function completeAnswer(c: Context, exchange: Exchange, call: Call): Response {
  const { error, res } = c;
  if (!isSessionError(error)) return res;
  reportInternal(error, call);
  // An error from another copy of this package has no `getResponse`.
  if (res.status === 500 && field(error, 'getResponse') === undefined) return problem(error, exchange);
  if (res.status !== 401) return res;
  const headers = new Headers(res.headers);
  headers.set('www-authenticate', challenge(error, exchange));
  return new Response(res.body, { status: res.status, statusText: res.statusText, headers });
}
