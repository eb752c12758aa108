import { createSchema, createYoga } from 'graphql-yoga';
import { requireFresh, requireSession, useSession } from 'token-sessions/yoga';
import type { DeviceContext, DeviceSessions } from './sessions.js';

const typeDefs = /* GraphQL */ `
  type Device {
    id: ID!
    name: String!
    isCurrent: Boolean!
  }
  type Query {
    devices: [Device!]!
  }
  type Mutation {
    endDevice(id: ID!): Boolean!
    "Ends all other devices of the account, and answers how many."
    endOtherDevices: Int!
    changeEmail(email: String!): String!
  }
`;

const resolvers = {
  Query: {
    devices: async (_: unknown, _args: unknown, ctx: DeviceContext) => {
      requireSession(ctx);
      const list = await ctx.sessions.list();
      return list.map(({ id, isCurrent, data }) => ({ id, isCurrent, name: data.device }));
    },
  },
  Mutation: {
    endDevice: (_: unknown, { id }: { id: string }, ctx: DeviceContext) => {
      requireSession(ctx);
      return ctx.sessions.destroy(id);
    },
    endOtherDevices: (_: unknown, _args: unknown, ctx: DeviceContext) => {
      requireSession(ctx);
      return ctx.sessions.destroyOthers();
    },
    changeEmail: (_: unknown, { email }: { email: string }, ctx: DeviceContext) => {
      requireFresh(ctx, '5m');
      return email;
    },
  },
};

/** Answers requests to `/graphql`. */
export function graphqlHandler(sessions: DeviceSessions) {
  return createYoga({ schema: createSchema<DeviceContext>({ typeDefs, resolvers }), plugins: [useSession(sessions)] });
}
