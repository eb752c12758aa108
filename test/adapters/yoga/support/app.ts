import { createSchema } from 'graphql-yoga';
import type { SessionContext } from '../../../../src/index.js';

/** The data of the sessions of these tests. */
export interface Data {
  userId: string;
  theme: string;
  views: number;
  role?: string;
}

export const ANN: Data = { userId: 'ann', theme: 'light', views: 0 };

/** A field's handler: the argument `op` names it, and the argument `value` is passed to it. */
export type Handler<D> = (ctx: SessionContext<D>, value: string) => unknown;

type Source = AsyncIterable<unknown>;

export interface Handlers<D = Data> {
  readonly run?: Readonly<Record<string, Handler<D>>>;
  /** The sources of subscriptions. */
  readonly watch?: Readonly<Record<string, (ctx: SessionContext<D>, value: string) => Source | Promise<Source>>>;
  /** The resolvers of a subscription's events. By default, they return the source's value. */
  readonly event?: Readonly<Record<string, Handler<D>>>;
}

interface Arguments {
  readonly op: string;
  readonly value: string;
}

const FIELDS = `
  run(op: String! = "", value: String! = ""): String
  required(op: String! = "", value: String! = ""): String!
  node: Node
`;

const TYPES = /* GraphQL */ `
  type Node { ${FIELDS} }
  type Query { ${FIELDS} }
  type Mutation { ${FIELDS} }
  type Subscription { watch(op: String! = "", value: String! = ""): String }
`;

/** A schema whose fields do what the handlers say: `run` may be null, `required` may not. */
export function makeSchema<D = Data>({ run = {}, watch = {}, event = {} }: Handlers<D>) {
  const field = (_: unknown, { op, value }: Arguments, ctx: SessionContext<D>): unknown => named(run, op)(ctx, value);
  const fields = { run: field, required: field, node: () => ({}) };
  return createSchema<SessionContext<D>>({
    typeDefs: TYPES,
    resolvers: {
      Node: fields,
      Query: fields,
      Mutation: fields,
      Subscription: {
        watch: {
          subscribe: (_: unknown, { op, value }: Arguments, ctx: SessionContext<D>) => named(watch, op)(ctx, value),
          resolve: (payload: string, { op }: Arguments, ctx: SessionContext<D>) =>
            event[op] ? event[op](ctx, payload) : payload,
        },
      },
    },
  });
}

function named<Value>(values: Readonly<Record<string, Value>>, name: string): Value {
  const value = values[name];
  if (value === undefined) throw new Error(`the test has no ${name}`);
  return value;
}
