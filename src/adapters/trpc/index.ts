import { initTRPC } from '@trpc/server';
import { type Duration, parseDuration } from '../../core/duration.js';
import type { Call } from '../../core/session/call.js';
import type { RequestSessions, Session } from '../../core/types.js';
import { typed } from '../../http/context.js';
import { assertFresh, assertVerified } from '../../http/guards.js';
import type { Sessions } from '../../http/sessions.js';
import { type Admission, runInCall } from './call.js';
import { contextOf, host, type SessionsContext } from './context.js';
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

/** What {@link trpcSessions} returns. */
export interface TrpcSessions<Data, Input = Data> {
  /**
   * The `createContext` of any tRPC adapter, or a part of your own: `(opts) => ({ ...createContext(opts), db })`. Asks the store for
   * nothing, and so never fails; on a WebSocket each call looks the session up again.
   */
  readonly createContext: (options: ContextOptions) => SessionsContext<Data, Input>;
  /**
   * The option `responseMeta` of tRPC's HTTP adapters, needed where a source writes tokens to the response: either this function
   * itself, or `responseMeta(own)` around your own.
   */
  readonly responseMeta: ResponseMetaFunction<Data, Input>;
  /**
   * The option `errorFormatter` of `initTRPC.create()`, either this function itself or
   * `errorFormatter(own)` around your own. Adds `data.sessionCode`, by which a client knows a
   * step-up (`STEP_UP_REQUIRED`) from a missing session (`UNAUTHENTICATED`).
   */
  readonly errorFormatter: ErrorFormatter;
  /**
   * For `t.procedure.concat(withSession)`: adds `ctx.session`, `null` when anonymous. Put a guard first: a call counts as failed
   * for it by what comes after it, such as `.output()`.
   */
  readonly withSession: SessionProcedure<Data, Input, Session<Data> | null>;
  /** For `t.procedure.concat(requireSession)`: adds `ctx.session`, and answers `UNAUTHORIZED` when anonymous. */
  readonly requireSession: SessionProcedure<Data, Input, Session<Data>>;
  /**
   * {@link requireSession} for what needs a user who has proven who they are at most `maxAge` ago. Answers `UNAUTHORIZED` with a
   * `SessionError` `STEP_UP_REQUIRED` as its cause otherwise.
   */
  readonly requireFresh: (maxAge: Duration) => SessionProcedure<Data, Input, Session<Data>>;
}

/**
 * Sessions for tRPC 11. A procedure with one of the guards has a draft of the session of its own. What
 * it changed is saved when it succeeds, by one write for a whole batch, and dropped when it fails. The
 * body of a subscription or generator is saved before each value that it yields and when it ends; an
 * observable when it completes. What runs on after that, such as a promise in a result, must call
 * `save()`.
 *
 * @throws `NOT_SUPPORTED` unless `sessions` is what a `createSessions` of this version returned
 */
export function trpcSessions<Data, Input = Data>(sessions: Sessions<Data, Input>): TrpcSessions<Data, Input> {
  const own = host(sessions);
  const { procedure } = initTRPC.context<SessionsContext<Data, Input>>().create();
  const guard = <Admitted>(admit: Admission<Admitted>): SessionProcedure<Data, Input, Admitted> =>
    procedure.use((call) =>
      runInCall(call, own, admit, (session, current: RequestSessions<Data, Input>) => call.next({ ctx: { session, sessions: current } })),
    );

  return {
    createContext: (options) => contextOf(sessions, options),
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
    assertFresh(session, maxAge, call, true);
    return session;
  } catch (error) {
    throw sessionFailure(error);
  }
}
