/*
 * A round of the oracle as data: which requests are sent, what each of their calls does, and in
 * which
 * order the calls take their turns. The same program runs against the library and in the model.
 */

/** The guard of a place in a tRPC procedure. */
export type Guard = 'none' | 'with' | 'require' | 'fresh';

/** The steps without more to say. */
export type PlainStep =
  | 'see'
  | 'change'
  | 'append'
  | 'save'
  | 'update'
  /** Changes a field that all calls change, and saves. */
  | 'share'
  | 'reload'
  | 'rotate'
  | 'destroy'
  | 'destroyOthers'
  /** Takes the session from `sessions.load()`, as code outside a guard does. */
  | 'load'
  /** A guard in the middle of a resolver or handler. */
  | 'require'
  | 'fresh';

/** One thing that a call does. Other calls may come before and after it, never between. */
export type Step =
  | { readonly do: PlainStep }
  /**
   * Logs in as this user; `createTwice` does it twice in parallel, `createLate` does not wait for
   * it.
   */
  | { readonly do: 'create' | 'createTwice' | 'createLate'; readonly user: number }
  /**
   * Calls procedures by a server-side caller that is made from the context, all of them at once.
   */
  | { readonly do: 'nested'; readonly calls: readonly Procedure[] };

export type Plan = readonly Step[];

/**
 * A tRPC procedure with two places for guards. Its parts, in order: `before`, the first guard,
 * `middle`, the second guard, `body`, `late` (still inside the first guard), `after`.
 */
export interface Procedure {
  readonly first: Guard;
  readonly second: Guard;
  readonly before: Plan;
  readonly middle: Plan;
  readonly body: Plan;
  readonly late: Plan;
  readonly after: Plan;
  readonly end: 'ok' | 'throw' | 'output';
  /** Where a middleware fails after the rest has succeeded. */
  readonly failing: 'never' | 'late' | 'after';
  /** Which middleware runs the rest a second time. */
  readonly again: 'never' | 'first' | 'second';
  /** Whether errors of steps are caught. */
  readonly careful: boolean;
}

/** A root field of a GraphQL operation. */
export interface Field {
  readonly body: Plan;
  /** `below` and `soft`: a field of the object that it answers fails, which may be null or not. */
  readonly end: 'ok' | 'null' | 'throw' | 'strict' | 'strictThrow' | 'below' | 'soft';
  readonly careful: boolean;
  readonly inFragment: boolean;
}

export interface Operation {
  readonly type: 'query' | 'mutation';
  readonly fields: readonly Field[];
  readonly typename: 'no' | 'plain' | 'alias';
  /** The work of the application's own `context()`. */
  readonly context: Plan;
}

/** The work of an Express handler. */
export interface Handler {
  readonly body: Plan;
  readonly end: 'ok' | 'created' | 'refused' | 'unavailable' | 'throw';
  readonly careful: boolean;
  /** Whether errors go through `expressSessionErrors` and are answered with 400. */
  readonly guarded: boolean;
}

export interface Credential {
  /** One of the sessions that there are at the beginning. */
  readonly session: number;
  readonly by: 'bearer' | 'cookie';
}

interface Sent {
  readonly credential: Credential | null;
}

/** `front`: the sessions of Express, and a handler of it, come before. */
export type Request =
  | (Sent & {
      readonly kind: 'trpc';
      readonly link: 'single' | 'batch' | 'stream' | 'socket';
      readonly calls: readonly Procedure[];
      readonly front: Handler | null;
    })
  | (Sent & {
      readonly kind: 'yoga';
      readonly link: 'single' | 'batch' | 'socket';
      readonly operations: readonly Operation[];
      readonly front: Handler | null;
    })
  | (Sent & { readonly kind: 'express'; readonly handler: Handler });

export interface Program {
  /** `cookie`: a source writes the token to the response, and an account has a limit. */
  readonly world: 'bearer' | 'cookie';
  readonly requests: readonly Request[];
  /** Whose turn it is, of those who wait: taken modulo their number. */
  readonly turns: readonly number[];
}

/** The most sessions of an account, in the world with cookies. */
export const LIMIT = 2;

/**
 * The users of the sessions that there are at the beginning. The first session is an hour old.
 * With a
 * limit, both are of one account, which has as many as it may have.
 */
export const INITIAL_USERS = { bearer: [0, 1], cookie: [0, 0] } as const;

export function actorOf(request: number, kind: 'x' | 'c' | 'o', index = 0): string {
  return kind === 'x' ? `r${request}.x` : `r${request}.${kind}${index}`;
}

export function fieldOf(operation: string, index: number): string {
  return `${operation}.f${index}`;
}

export function nestedOf(actor: string, at: string, index: number): string {
  return `${actor}.${at}.n${index}`;
}

/** The calls that a request makes when it is sent, those behind Express apart. */
export function callsOf(
  request: Request,
  index: number,
): { readonly front: string | undefined; readonly calls: readonly string[] } {
  if (request.kind === 'express') return { front: actorOf(index, 'x'), calls: [] };
  const front = request.front ? actorOf(index, 'x') : undefined;
  if (request.kind === 'trpc') return { front, calls: request.calls.map((_, call) => actorOf(index, 'c', call)) };
  return { front, calls: request.operations.map((_, call) => actorOf(index, 'o', call)) };
}

export function isSocket(request: Request): boolean {
  return request.kind !== 'express' && request.link === 'socket';
}
