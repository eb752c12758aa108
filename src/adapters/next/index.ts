/**
 * Sessions for the App Router of Next.js.
 *
 * @module token-sessions/next
 */

import type { Session, SessionContext } from '../../core/types.js';
import { hostOf } from '../../http/host.js';
import type { Sessions } from '../../http/sessions.js';
import { runAction } from './action.js';
import { renderSession } from './render.js';
import { handleRoute } from './route.js';

/** The result of {@link nextSessions}. */
export interface NextSessions<Data, Input = Data> {
  /**
   * The session of the request that is being rendered, for server components, layouts and
   * `generateMetadata`. One load serves the whole render. It writes nothing, and changes of its
   * data are not saved. Inside a route or an action, it is the session of that call.
   */
  getSession(): Promise<Session<Data> | null>;
  /**
   * A route handler (`export const POST = route(…)`). It gets the context before the arguments of
   * Next.js. Saves, writes tokens and answers errors as `sessions.handle` does.
   */
  route<Args extends unknown[]>(
    handler: (context: SessionContext<Data, Input>, ...args: Args) => Response | Promise<Response>,
  ): (...args: Args) => Promise<Response>;
  /**
   * A server action (`export const login = action(…)`). It gets the context before its own
   * arguments. Its changes are saved when it returns, redirects or calls `notFound()`, and dropped
   * when it throws anything else. It can write cookies, but no other header.
   */
  action<Args extends unknown[], Result>(
    run: (context: SessionContext<Data, Input>, ...args: Args) => Result | Promise<Result>,
  ): (...args: Args) => Promise<Result>;
}

/**
 * Sessions for the App Router of Next.js. In routes and actions, tRPC's `createCaller(context)`
 * runs in the same call.
 *
 * @example
 * export const { getSession, route, action } = nextSessions(sessions);
 *
 * // app/page.tsx
 * const session = await getSession();
 *
 * // app/actions.ts: 'use server'
 * export const login = action(async ({ sessions }, form: FormData) => {
 *   await sessions.create({ userId: String(form.get('name')) });
 *   redirect('/');
 * });
 *
 * @throws `NOT_SUPPORTED` unless `sessions` is what a `createSessions` of this version returned
 */
export function nextSessions<Data, Input>(sessions: Sessions<Data, Input>): NextSessions<Data, Input> {
  const host = hostOf(sessions);
  return {
    getSession: () => renderSession<Data>(host),
    route:
      (handler) =>
      (...args) =>
        handleRoute<Data, Input>(host, args[0], (context) => handler(context, ...args)),
    // A server action must be an async function.
    action:
      (run) =>
      async (...args) =>
        runAction(host, async (context: SessionContext<Data, Input>) => run(context, ...args)),
  };
}
