import { GraphQLError } from 'graphql';
import { createSchema, createYoga, type Plugin } from 'graphql-yoga';
import type { Sessions } from '../../../src/index.js';
import type { Field } from '../program.js';
import type { Data, Library } from './library.js';
import { type Context, contextOf, type Part, perform } from './perform.js';
import { named, type Round } from './round.js';

interface Arguments {
  readonly id: string;
}

/** A request of GraphQL, as clients of the oracle send it: its extensions name the operation. */
export interface Sent {
  readonly query: string;
  readonly extensions: { readonly operation: string };
}

interface ServerContext {
  readonly params: { readonly extensions?: { readonly operation?: unknown } };
}

const TYPES = /* GraphQL */ `
  type Node { value: String, soft: String, hard: String! }
  type Query { plain(id: String!): String, strict(id: String!): String!, node(id: String!): Node }
  type Mutation { plain(id: String!): String, strict(id: String!): String!, node(id: String!): Node }
`;

/** A Yoga server whose root fields do what the program says. */
export function makeYoga(library: Library, sessions: Sessions<Data>, graphqlEndpoint: string, roundNow: () => Round) {
  const { useSession } = library.yoga;

  function partOf(context: Context, who: string, careful: boolean): Part {
    const { stage, userName } = roundNow();
    const callProcedure = () => Promise.reject(new Error('there is no tRPC here'));
    return { stage, library, who, careful, userName, context, session: context.sessions.current, callProcedure };
  }

  async function resolve(_: unknown, { id: who }: Arguments, context: object): Promise<unknown> {
    const { stage, fields } = roundNow();
    const field = named(fields, who);
    await stage.turn(who, 'begin');
    const part = partOf(contextOf(context), who, field.careful);
    stage.log(who, 'begun', { id: part.session?.id ?? null });
    await perform(field.body, 'body', part);
    return answer(field, who);
  }

  const fail = () => {
    throw new GraphQLError('planned');
  };
  const fields = { plain: resolve, strict: resolve, node: resolve };
  const schema = createSchema<object>({
    typeDefs: TYPES,
    resolvers: { Query: fields, Mutation: fields, Node: { value: (value: unknown) => value, soft: fail, hard: fail } },
  });
  return createYoga({
    schema,
    graphqlEndpoint,
    batching: true,
    logging: false,
    maskedErrors: true,
    plugins: [notice(roundNow), useSession(sessions)],
    context: async (initial) => {
      const who = operationOf(initial);
      const { stage, operations } = roundNow();
      await stage.turn(who, 'begin');
      await perform(named(operations, who).context, 'context', partOf(contextOf(initial), who, true));
      return {};
    },
  });
}

/** Notices that an operation has been executed: what the library does then is not waited for. */
function notice(roundNow: () => Round): Plugin {
  return {
    onExecute: ({ args }) => {
      const who = operationOf(args.contextValue);
      return { onExecuteDone: () => roundNow().stage.end(who, {}) };
    },
  };
}

function answer({ end }: Field, who: string): unknown {
  if (end === 'throw' || end === 'strictThrow') throw new GraphQLError('planned');
  return end === 'null' ? null : `done ${who}`;
}

function operationOf(context: unknown): string {
  const { params } = context as ServerContext;
  const operation = params.extensions?.operation;
  if (typeof operation === 'string') return operation;
  throw new Error('the request names no operation');
}
