import type { TRPCProcedureBuilder, TRPCUnsetMarker } from '@trpc/server';
import type { RequestSessions } from '../../core/types.js';
import type { SessionsContext } from './context.js';

/**
 * A procedure builder for `.concat()`: it needs `sessions` on the context, and adds `session`.
 *
 * Written by hand, not inferred. An inferred type would name all type parameters of the builder in
 * the version that the package is built with. Older versions have fewer parameters, and there the
 * type would silently become `any`. The last parameter, the shape of errors, is also left out so
 * that the application's own shape holds.
 */
export type SessionProcedure<Data, Input, Admitted> = TRPCProcedureBuilder<
  SessionsContext<Data, Input>,
  object,
  { session: Admitted; sessions: RequestSessions<Data, Input> },
  TRPCUnsetMarker,
  TRPCUnsetMarker,
  TRPCUnsetMarker,
  TRPCUnsetMarker,
  false
>;
