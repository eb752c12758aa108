import { initTRPC } from '@trpc/server';
import { type Duration, parseDuration } from '../../core/duration.js';
import type { RequestHandle } from '../../core/session/request-sessions.js';
import type { Session } from '../../core/types.js';
import type { Sessions } from '../../http/sessions.js';
import { type Admission, runInUnit } from './call.js';
import { contextOf, type SessionsContext } from './context.js';
import { sessionFailure, unauthorized } from './errors.js';
import type { SessionProcedure } from './procedure.js';
import type { ContextOptions } from './request.js';
import { type ResponseMetaFunction, responseMetaFunction } from './response.js';

export type { SessionsContext } from './context.js';
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
 * Sessions for tRPC 11. A procedure with one of the guards has a draft of the session of its own; what it changed is saved when it
 * succeeds, by one write for a whole batch, and dropped when it fails. The body of a subscription or generator is saved before each
 * value that it yields and when it ends; an observable when it completes. What runs on after that, such as a promise within a result, has to call
 * `save()` by itself.
 */
export function trpcSessions<Data, Input = Data>(sessions: Sessions<Data, Input>): TrpcSessions<Data, Input> {
  const { procedure } = initTRPC.context<SessionsContext<Data, Input>>().create();
  const guard = <Admitted>(admit: Admission<Data, Input, Admitted>): SessionProcedure<Data, Input, Admitted> =>
    procedure.use((call) => runInUnit(call, admit, (session) => call.next({ ctx: { session } })));

  return {
    createContext: (options) => contextOf(sessions, options),
    responseMeta: responseMetaFunction(),
    withSession: guard((session) => session),
    requireSession: guard(present),
    requireFresh: (maxAge) => {
      const ms = parseDuration(maxAge, 'maxAge');
      return guard((session, handle) => fresh(present(session), handle, ms));
    },
  };
}

function present<Data>(session: Session<Data> | null): Session<Data> {
  if (session) return session;
  throw unauthorized();
}

function fresh<Data, Input>(session: Session<Data>, handle: RequestHandle<Data, Input>, maxAge: number): Session<Data> {
  try {
    handle.assertFresh(session, maxAge);
    return session;
  } catch (error) {
    throw sessionFailure(error);
  }
}
