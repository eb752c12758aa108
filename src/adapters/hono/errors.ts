import type { Context } from 'hono';
import { isSessionError, SessionError } from '../../core/error.js';
import type { Call } from '../../core/session/call.js';
import { challenge, type Exchange } from '../../http/errors.js';
import { problem, reportInternal } from '../../http/handle.js';
import { field } from '../../http/hosts.js';

/**
 * Lets Hono's own error handler answer an error of the library as it answers its `HTTPException`.
 * An `onError` of the application's is asked first, as ever.
 */
export function answerLikeHono(): void {
  Object.defineProperty(SessionError.prototype, 'getResponse', {
    configurable: true,
    value(this: SessionError): Response {
      return problem(this, { tokenSent: false });
    },
  });
}

/** The answer to an error of the library that a handler threw, as far as Hono has made it. */
export function completeAnswer(c: Context, exchange: Exchange, call: Call): Response {
  const { error, res } = c;
  if (!isSessionError(error)) return res;
  reportInternal(error, call);
  // One of another copy of this package has no `getResponse`.
  if (res.status === 500 && field(error, 'getResponse') === undefined) return problem(error, exchange);
  if (res.status !== 401) return res;
  const headers = new Headers(res.headers);
  headers.set('www-authenticate', challenge(error, exchange));
  return new Response(res.body, { status: res.status, statusText: res.statusText, headers });
}
