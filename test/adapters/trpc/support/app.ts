import { initTRPC, TRPCError } from '@trpc/server';
import type { Observable } from '@trpc/server/observable';
import { z } from 'zod';
import { trpcSessions } from '../../../../src/adapters/trpc/index.js';
import type { RequestSessions, Session, Sessions } from '../../../../src/index.js';

export interface OpenContext<Data> {
  readonly session: Session<Data> | null;
  readonly sessions: RequestSessions<Data>;
}

export interface OwnContext<Data> extends OpenContext<Data> {
  readonly session: Session<Data>;
}

/** The arguments of a procedure besides its context. */
export interface CallDetails {
  readonly value: string;
  readonly signal: AbortSignal | undefined;
}

type Handler<Context, Result> = (context: Context, call: CallDetails) => Result;

/** The procedures' handlers, by the names that the test gives them. */
export interface Handlers<Data> {
  readonly open?: Readonly<Record<string, Handler<OpenContext<Data>, unknown>>>;
  readonly own?: Readonly<Record<string, Handler<OwnContext<Data>, unknown>>>;
  readonly streams?: Readonly<Record<string, Handler<OwnContext<Data>, AsyncIterable<unknown, void>>>>;
  readonly observables?: Readonly<Record<string, Handler<OwnContext<Data>, Observable<unknown, unknown>>>>;
}

const callInput = z.string().transform((input) => {
  const [name = '', value = ''] = input.split(':', 2);
  return { name, value };
});

/** The handler of that name. */
export function pick<Fn>(handlers: Readonly<Record<string, Fn>> | undefined, name: string): Fn {
  const handler = handlers?.[name];
  if (handler) return handler;
  throw new TRPCError({ code: 'NOT_FOUND', message: `the test has no handler ${name}` });
}

/**
 * An application whose procedures do what the test says. Clients call them with `name` or
 * `name:value`.
 */
export function makeApp<Data>(sessions: Sessions<Data>, handlers: Handlers<Data>) {
  const trpc = trpcSessions(sessions);
  const t = initTRPC.context<typeof trpc.createContext>().create();
  const open = t.procedure.concat(trpc.withSession).input(callInput);
  const own = t.procedure.concat(trpc.requireSession).input(callInput);
  const both = t.procedure.concat(trpc.withSession).concat(trpc.requireSession).input(callInput);
  const fresh = t.procedure.concat(trpc.requireFresh('5m')).input(callInput);
  const router = t.router({
    bare: t.procedure.query(() => 'no session was asked for'),
    open: open.mutation(({ ctx, input, signal }) =>
      pick(handlers.open, input.name)(ctx, { value: input.value, signal }),
    ),
    read: open.query(({ ctx, input, signal }) => pick(handlers.open, input.name)(ctx, { value: input.value, signal })),
    own: own.mutation(({ ctx, input, signal }) => pick(handlers.own, input.name)(ctx, { value: input.value, signal })),
    both: both.mutation(({ ctx, input, signal }) =>
      pick(handlers.own, input.name)(ctx, { value: input.value, signal }),
    ),
    fresh: fresh.mutation(({ ctx, input, signal }) =>
      pick(handlers.own, input.name)(ctx, { value: input.value, signal }),
    ),
    stream: own.subscription(({ ctx, input, signal }) =>
      pick(handlers.streams, input.name)(ctx, { value: input.value, signal }),
    ),
    watch: own.subscription(({ ctx, input, signal }) =>
      pick(handlers.observables, input.name)(ctx, { value: input.value, signal }),
    ),
    generate: own.query(({ ctx, input, signal }) =>
      pick(handlers.streams, input.name)(ctx, { value: input.value, signal }),
    ),
  });
  return { ...trpc, router };
}

export type App<Data> = ReturnType<typeof makeApp<Data>>;
export type AppRouter = App<unknown>['router'];
