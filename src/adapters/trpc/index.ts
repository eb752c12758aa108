/**
 * Sessions for tRPC 11.
 *
 * @module token-sessions/trpc
 */

import { initTRPC } from '@trpc/server';
import { type Duration, parseDuration } from '../../core/duration.js';
import type { Call } from '../../core/session/call.js';
import type { RequestSessions, Session } from '../../core/types.js';
import { typed } from '../../http/context.js';
import { assertFresh, assertVerified } from '../../http/guards.js';
import { hostOf } from '../../http/host.js';
import type { Sessions } from '../../http/sessions.js';
import { type Admission, runInCall } from './call.js';
import { contextOf, type SessionsContext } from './context.js';
import { type ErrorFormatter, errorFormatter } from './error-formatter.js';
import { sessionFailure, unauthorized } from './errors.js';
import type { SessionProcedure } from './procedure.js';
import type { ContextOptions } from './request.js';
import { type ResponseMetaFunction, responseMetaFunction } from './response.js';

export type { SessionsContext } from './context.js';
export type { ErrorFormatter, SessionErrorData } from './error-formatter.js';
export type { SessionProcedure } from './procedure.js';
export type { ContextOptions } from './request.js';
export type { ResponseMeta, ResponseMetaFunction, ResponseMetaOptions } from './response.js';

/** The result of {@link trpcSessions}. */
export interface TrpcSessions<Data, Input = Data> {
  /**
   * The `createContext` of any tRPC adapter, or a part of your own. Makes no store call, and so
   * never fails. On a WebSocket, each call looks the session up again.
   *
   * @example
   * const makeContext = (options: ContextOptions) => ({ ...createContext(options), db });
   */
  readonly createContext: (options: ContextOptions) => SessionsContext<Data, Input>;
  /**
   * The option `responseMeta` of tRPC's HTTP adapters: this function itself, or
   * `responseMeta(own)` around your own. Needed where a source writes tokens to the response.
   */
  readonly responseMeta: ResponseMetaFunction<Data, Input>;
  /**
   * The option `errorFormatter` of `initTRPC.create()`: this function itself, or
   * `errorFormatter(own)` around your own. Adds `data.sessionCode`, by which a client
   * distinguishes a step-up (`STEP_UP_REQUIRED`) from a missing session (`UNAUTHENTICATED`).
   *
   * @example
   * const t = initTRPC.context<typeof createContext>().create({ errorFormatter });
   */
  readonly errorFormatter: ErrorFormatter;
  /**
   * For `t.procedure.concat(withSession)`: adds `ctx.session`, `null` when anonymous. Put the
   * guard first: whether a call has failed is decided by what comes after it, such as `.output()`.
   */
  readonly withSession: SessionProcedure<Data, Input, Session<Data> | null>;
  /** For `t.procedure.concat(requireSession)`: adds `ctx.session`, or answers `UNAUTHORIZED`. */
  readonly requireSession: SessionProcedure<Data, Input, Session<Data>>;
  /**
   * {@link requireSession} for procedures whose user must have proven who they are at most
   * `maxAge` ago. Otherwise it answers `UNAUTHORIZED`, with a `SessionError` `STEP_UP_REQUIRED` as
   * its cause.
   *
   * @example
   * const freshProcedure = t.procedure.concat(requireFresh('5m'));
   */
  readonly requireFresh: (maxAge: Duration) => SessionProcedure<Data, Input, Session<Data>>;
}

/**
 * Sessions for tRPC 11. A procedure with one of the guards is a call with a draft of its own. Its
 * changes are saved when it succeeds, by one write for a whole batch, and dropped when it fails. A
 * login takes effect when the procedure succeeds. The body of a subscription or generator is saved
 * before each value that it yields and when it ends; an observable when it completes. Code that
 * runs on after that, such as a promise in a result, must call `save()`.
 *
 * @example
 * const { createContext, responseMeta, requireSession } = trpcSessions(sessions);
 * const t = initTRPC.context<typeof createContext>().create();
 * const protectedProcedure = t.procedure.concat(requireSession);
 *
 * @throws `NOT_SUPPORTED` unless `sessions` is what a `createSessions` of this version returned
 */
export function trpcSessions<Data, Input = Data>(sessions: Sessions<Data, Input>): TrpcSessions<Data, Input> {
  const own = hostOf(sessions);
  const { procedure } = initTRPC.context<SessionsContext<Data, Input>>().create();
  const guard = <Admitted>(admit: Admission<Admitted>): SessionProcedure<Data, Input, Admitted> =>
    procedure.use((call) =>
      runInCall(call, own, admit, (session, current: RequestSessions<Data, Input>) =>
        call.next({ ctx: { session, sessions: current } }),
      ),
    );

  return {
    createContext: (options) => contextOf(own, options),
    responseMeta: responseMetaFunction(),
    errorFormatter,
    withSession: guard((session) => typed<Data>(session)),
    requireSession: guard((session) => present<Data>(session)),
    requireFresh: (maxAge) => {
      const ms = parseDuration(maxAge, 'maxAge');
      return guard((session, call) => fresh(present<Data>(session), call, ms));
    },
  };
}

function present<Data>(session: Session<unknown> | null): Session<Data> {
  const own = typed<Data>(session);
  if (!own) throw unauthorized();
  try {
    assertVerified(own);
    return own;
  } catch (error) {
    throw sessionFailure(error);
  }
}

function fresh<Data>(session: Session<Data>, call: Call, maxAge: number): Session<Data> {
  try {
    // A guard runs before its procedure. But a procedure that calls this one has run in part.
    assertFresh(session, maxAge, call, !call.sharesLogin);
    return session;
  } catch (error) {
    throw sessionFailure(error);
  }
}
