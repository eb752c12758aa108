import type { Context, MiddlewareHandler } from 'hono';
import { isSessionError } from '../../core/error.js';
import type { SessionContext } from '../../core/types.js';
import { sessionsOf, typed } from '../../http/context.js';
import { conclude, enter, openFetch, withHeaders } from '../../http/handle.js';
import { callOf, hostOf } from '../../http/host.js';
import { isObject } from '../../http/hosts.js';
import { changeable, keepFromCaches, mergeCookies, putHeaders, setCookies } from '../../http/put-headers.js';
import type { Sessions } from '../../http/sessions.js';
import { answerLikeHono, completeAnswer } from './errors.js';

/**
 * Middleware for Hono 4, on any runtime: `c.var.session` and `c.var.sessions`, loaded before the
 * next handler runs. `c.var.session` follows create and destroy.
 *
 * The status of the final answer decides: below 500, changes by the handlers are saved before the
 * answer leaves. New tokens and cookies are put on it. An error of the library is answered as
 * `application/problem+json`, unless the application's own `onError` answers it. A streamed body,
 * such as that of `streamSSE`, runs after that: call `save()` or `update()` there.
 *
 * tRPC and Yoga in the same application share the session, and its load.
 *
 * @example
 * const app = new Hono<{ Variables: SessionContextOf<typeof sessions> }>();
 * app.use(honoSessions(sessions));
 * app.post('/theme', (c) => {
 *   requireSession(c.var).data.theme = 'dark'; // saved when the answer is no 5xx
 *   return c.text('saved');
 * });
 *
 * @throws `NOT_SUPPORTED` unless `sessions` is what a `createSessions` of this version returned
 */
export function honoSessions<Data, Input>(
  sessions: Sessions<Data, Input>,
): MiddlewareHandler<{ Variables: SessionContext<Data, Input> }> {
  const host = hostOf(sessions);
  answerLikeHono();
  return async (c, next) => {
    // The application installs the middleware twice.
    const present = callOf(c.get('sessions'));
    if (present && host.owns(present)) return next();
    const opened = openFetch(host, c.req.raw);
    const { call, leave } = enter(opened);
    try {
      c.set('session', typed<Data>(await call.admit()));
      c.set('sessions', sessionsOf<Data, Input>(call));
      call.onChange(() => c.set('session', typed<Data>(call.session)));
      await call.start(next);
      const answer = completeAnswer(c, opened, call);
      await conclude(call, isSessionError(c.error) ? 500 : answer.status, answer);
      if (c.finalized) replaceAnswer(c, withHeaders(answer, opened.head, call));
      // Middleware around this one has still to answer. Hono adds these headers to its answer.
      else putHeaders(answer.headers, withHeaders(new Response(), opened.head, call).headers);
      if (opened.head.isSecret || opened.head.isWritten) guardAnswer(c, opened.head.isSecret);
    } catch (error) {
      await call.rollback();
      // Otherwise Hono would merge the headers of the failed answer into the answer to the error.
      if (c.finalized) replaceAnswer(c, undefined);
      throw error;
    } finally {
      leave();
    }
  };
}

function replaceAnswer(c: Context, answer: Response | undefined): void {
  if (answer === c.res) return;
  c.res = undefined;
  c.res = answer;
}

/**
 * Middleware around this one may set another answer. Keeps it out of caches if it carries a token:
 * Hono reads `c.res` last. Keeps its own cookies, too: Hono replaces them by those before.
 */
function guardAnswer(c: Context, isSecret: boolean): void {
  const prototype: unknown = Object.getPrototypeOf(c);
  if (!isObject(prototype)) return;
  const get = (): Response => Reflect.get(prototype, 'res', c);
  const set = (answer: Response | undefined) => {
    const theirs = answer?.headers.getSetCookie() ?? [];
    Reflect.set(prototype, 'res', answer, c);
    if (theirs.length === 0) return;
    const { headers } = get();
    const present = headers.getSetCookie();
    const all = mergeCookies(theirs, present);
    if (all.length > present.length) setCookies(headers, all);
  };
  Object.defineProperty(c, 'res', {
    configurable: true,
    get() {
      const res = get();
      if (!isSecret || res.headers.get('cache-control')?.includes('no-store')) return res;
      const secret = changeable(res);
      keepFromCaches(secret.headers);
      if (secret !== res) for (const each of [undefined, secret]) set(each);
      return secret;
    },
    set,
  });
}
