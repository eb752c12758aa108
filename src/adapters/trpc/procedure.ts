import type { TRPCProcedureBuilder, TRPCUnsetMarker } from '@trpc/server';
import type { RequestSessions } from '../../core/types.js';
import type { SessionsContext } from './context.js';

/**
 * A procedure builder for `.concat()`: it needs `sessions` on the context, and adds `session`.
 *
 * Written by hand, and not left to be inferred: what the compiler writes into our declarations
 * names all type parameters that the builder has in the version we are built with, and in older
 * ones, where it has fewer, silently becomes `any`. The last one, the shape of errors, is left out
 * for another reason as well: the application's own is to hold.
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
