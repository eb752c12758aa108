import type { Field, Handler, Operation, PlainStep, Procedure, Program, Request, Step } from './program.js';

/*
 * Programs by hand: everything that is not said is as plain as it can be.
 */

/** Steps without more to say, by their names. */
export function steps(...names: readonly PlainStep[]): Step[] {
  return names.map((name) => ({ do: name }));
}

/** A login as one of the users of a program: the first two have a session. */
export function login(user = 2): Step {
  return { do: 'create', user };
}

export function nested(...calls: Procedure[]): Step {
  return { do: 'nested', calls };
}

/** A procedure behind `withSession`. */
export function procedure(over: Partial<Procedure> = {}): Procedure {
  const parts = { before: [], middle: [], body: [], late: [], after: [] };
  return {
    first: 'with',
    second: 'none',
    ...parts,
    end: 'ok',
    failing: 'never',
    again: 'never',
    careful: false,
    ...over,
  };
}

export function field(body: readonly Step[], end: Field['end'] = 'ok'): Field {
  return { body, end, careful: false, inFragment: false };
}

export function mutation(...fields: Field[]): Operation {
  return { type: 'mutation', fields, typename: 'no', context: [] };
}

export function handler(body: readonly Step[], end: Handler['end'] = 'ok'): Handler {
  return { body, end, careful: false, guarded: false };
}

type TrpcRequest = Extract<Request, { kind: 'trpc' }>;
type YogaRequest = Extract<Request, { kind: 'yoga' }>;

/** Calls of the first user, whose session is an hour old. */
export function overTrpc(
  link: TrpcRequest['link'],
  calls: readonly Procedure[],
  over: Partial<TrpcRequest> = {},
): Request {
  return { kind: 'trpc', link, calls, front: null, credential: { session: 0, by: 'bearer' }, ...over };
}

export function overYoga(
  link: YogaRequest['link'],
  operations: readonly Operation[],
  over: Partial<YogaRequest> = {},
): Request {
  return { kind: 'yoga', link, operations, front: null, credential: { session: 0, by: 'bearer' }, ...over };
}

export function program(requests: readonly Request[], over: Partial<Program> = {}): Program {
  return { world: 'bearer', requests, turns: [0], ...over };
}
