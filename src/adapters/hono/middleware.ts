import type { Context, MiddlewareHandler } from 'hono';
import { isSessionError } from '../../core/error.js';
import type { SessionContext } from '../../core/types.js';
import { sessionsOf, typed } from '../../http/context.js';
import { conclude, enter, openFetch, withHeaders } from '../../http/handle.js';
import { callOf, hostOf } from '../../http/host.js';
import { isObject } from '../../http/hosts.js';
import { changeable, keepFromCaches } from '../../http/put-headers.js';
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
      await conclude(call, isSessionError(c.error) ? 500 : answer.status);
      replaceAnswer(c, withHeaders(answer, opened.head));
      if (opened.head.isSecret) guardAnswer(c);
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
 * Keeps an answer with a token out of caches, even if middleware around this one sets the header.
 * Hono reads `c.res` last.
 */
function guardAnswer(c: Context): void {
  const prototype: unknown = Object.getPrototypeOf(c);
  if (!isObject(prototype)) return;
  const set = (answer: Response | undefined) => void Reflect.set(prototype, 'res', answer, c);
  Object.defineProperty(c, 'res', {
    configurable: true,
    get() {
      const res: Response = Reflect.get(prototype, 'res', c);
      if (res.headers.get('cache-control')?.includes('no-store')) return res;
      const secret = changeable(res);
      keepFromCaches(secret.headers);
      if (secret !== res) for (const each of [undefined, secret]) set(each);
      return secret;
    },
    set,
  });
}
