import type { initTRPC } from '@trpc/server';
import type { SessionsContext } from './context.js';

/*
 * The type of a guard is written in terms of what tRPC's own functions return, and not left to be inferred: what the compiler
 * writes into our declarations then names tRPC's builder with all the type parameters that it has in the version we are built
 * with, and in others, where it has fewer, silently becomes `any`.
 */

type Root<Data, Input> = ReturnType<ReturnType<typeof initTRPC.context<SessionsContext<Data, Input>>>['create']>;

declare function use<Data, Input, Added>(procedure: Root<Data, Input>['procedure']): ReturnType<typeof procedure.use<Added>>;

/** A procedure builder for `.concat()`: it needs `sessions` on the context, and adds `session`. */
export type SessionProcedure<Data, Input, Admitted> = ReturnType<typeof use<Data, Input, { session: Admitted }>>;
