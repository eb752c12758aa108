import { createSchema, createYoga } from 'graphql-yoga';
import type { Session, SessionContextOf } from 'token-sessions';
import { requireFresh, requireSession, useSession } from 'token-sessions/yoga';
import { type Data, sessions } from './core.js';
import { holds, type Same } from './same.js';

type Context = SessionContextOf<typeof sessions>;

export const yoga = createYoga({
  schema: createSchema<Context>({
    typeDefs: 'type Query { me: String! secret: String! } type Mutation { login: String! }',
    resolvers: {
      Query: {
        me: (_: unknown, _args: unknown, ctx: Context) => {
          const session = requireSession(ctx);
          holds<Same<typeof session, Session<Data>>>();
          return session.data.userId;
        },
        secret: (_: unknown, _args: unknown, ctx: Context) => {
          const session = requireFresh(ctx, '5m');
          holds<Same<typeof session, Session<Data>>>();
          return session.id;
        },
      },
      Mutation: {
        login: async (_: unknown, _args: unknown, ctx: Context) =>
          (await ctx.sessions.create({ userId: 'ada' })).token,
      },
    },
  }),
  plugins: [useSession(sessions)],
});

const { token } = await sessions.create({ userId: 'grace' });
const response = await yoga.fetch('http://localhost/graphql', {
  method: 'POST',
  headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
  body: JSON.stringify({ query: '{ me }' }),
});
const answer = await response.text();
if (answer !== '{"data":{"me":"grace"}}') throw new Error(`the session was not found by its token: ${answer}`);
