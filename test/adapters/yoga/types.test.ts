import { createServer } from 'node:http';
import { type Plugin as EnvelopPlugin, envelop } from '@envelop/core';
import { createSchema, createYoga, type YogaInitialContext, type Plugin as YogaPlugin } from 'graphql-yoga';
import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { requireFresh, requireSession, sessionKey, useSession } from '../../../src/adapters/yoga/index.js';
import {
  createSessions,
  type NewSession,
  type Session,
  type SessionContext,
  type SessionContextOf,
} from '../../../src/index.js';

interface Data {
  userId: string;
  views: number;
}

const sessions = createSessions<Data>();
const typeDefs = 'type Query { me: String }';

describe('invariant 10: the types', () => {
  test('of a context in resolvers are exact', () => {
    const schema = createSchema<SessionContext<Data>>({
      typeDefs,
      resolvers: {
        Query: {
          me: (_parent, _args, ctx) => {
            expectTypeOf(ctx).toExtend<YogaInitialContext>();
            expectTypeOf(ctx.session).toEqualTypeOf<Session<Data> | null>();
            expectTypeOf(requireSession(ctx)).toEqualTypeOf<Session<Data>>();
            expectTypeOf(requireFresh(ctx, '5m')).toEqualTypeOf<Session<Data>>();
            expectTypeOf(requireSession(ctx).data.views).toBeNumber();
            // @ts-expect-error: a field that the data does not have
            requireSession(ctx).data.name;
            return requireSession(ctx).data.userId;
          },
        },
      },
    });
    createYoga({ schema, plugins: [useSession(sessions)] });
  });

  test('of a context with a schema and additions of the application are exact as well', () => {
    const own = createSessions({ schema: z.object({ userId: z.string(), views: z.number().default(0) }) });
    type Context = SessionContext<Data, { userId: string; views?: number | undefined }> & { readonly db: string };
    const schema = createSchema<Context>({
      typeDefs,
      resolvers: {
        Query: {
          me: async (_parent, _args, ctx) => {
            expectTypeOf(requireSession(ctx)).toEqualTypeOf<Session<Data>>();
            expectTypeOf(ctx.db).toBeString();
            expectTypeOf(await ctx.sessions.create({ userId: 'ann' })).toEqualTypeOf<NewSession<Data>>();
            return null;
          },
        },
      },
    });
    createYoga({ schema, context: () => ({ db: '' }), plugins: [useSession(own)] });
  });

  test("rule 10: the application's own context() loads the session with the type of its sessions", () => {
    const own = createSessions({ schema: z.object({ userId: z.string(), views: z.number().default(0) }) });
    type Base = YogaInitialContext & SessionContextOf<typeof own>;
    const makeContext = async ({ sessions: current }: Base) => {
      const session = await current.load();
      expectTypeOf(session).toEqualTypeOf<Session<Data> | null>();
      return { user: session?.data.userId ?? null };
    };
    const schema = createSchema<Base & Awaited<ReturnType<typeof makeContext>>>({
      typeDefs,
      resolvers: { Query: { me: (_parent, _args, ctx) => ctx.user ?? requireSession(ctx).data.userId } },
    });
    const yoga = createYoga({ schema, context: makeContext, plugins: [useSession(own)] });
    createServer(yoga);
    expectTypeOf(yoga.fetch).toBeCallableWith('http://localhost/graphql', { method: 'POST' });
  });

  test('of the guards refuse a context that has no session', () => {
    // @ts-expect-error: a context without sessions
    const wrong: Parameters<typeof requireSession>[0] = { request: new Request('http://api.example') };
    expectTypeOf(wrong).not.toBeAny();
    const ctx: SessionContext<Data> = { session: null, sessions: {} as never };
    // @ts-expect-error: no duration
    expectTypeOf(requireFresh<Data>).toBeCallableWith(ctx, 'five minutes');
  });

  test('of the plugin fit Yoga and Envelop', () => {
    const plugin = useSession(sessions);
    expectTypeOf(plugin).not.toBeAny();
    expectTypeOf(plugin).toExtend<YogaPlugin>();
    expectTypeOf(plugin).toExtend<YogaPlugin<{ db: string }, { req: object }, { user: string }>>();
    expectTypeOf(plugin).toExtend<EnvelopPlugin>();
    expectTypeOf(plugin).toExtend<EnvelopPlugin<YogaInitialContext>>();
    envelop({ plugins: [plugin] });
  });

  test("of the session key fit the response cache's option", () => {
    type SessionOption = (
      request: Request,
      context: YogaInitialContext,
    ) => Promise<string | null | undefined> | string | null | undefined;
    expectTypeOf(sessionKey(sessions)).toExtend<SessionOption>();
  });
});
