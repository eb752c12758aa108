import type { IncomingMessage, ServerResponse } from 'node:http';
import { createTRPCClient, httpLink } from '@trpc/client';
import {
  type inferProcedureErrorShape,
  type inferRouterError,
  type inferRouterOutputs,
  initTRPC,
  type TRPCDataTransformer,
} from '@trpc/server';
import { createExpressMiddleware } from '@trpc/server/adapters/express';
import {
  type CreateFastifyContextOptions,
  type FastifyTRPCPluginOptions,
  fastifyTRPCPlugin,
} from '@trpc/server/adapters/fastify';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import type { NodeHTTPCreateContextFnOptions } from '@trpc/server/adapters/node-http';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import type { CreateWSSContextFn, CreateWSSContextFnOptions } from '@trpc/server/adapters/ws';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { type ContextOptions, trpcSessions } from '../../../src/adapters/trpc/index.js';
import {
  createSessions,
  type NewSession,
  type RequestSessions,
  type Session,
  type SessionJson,
} from '../../../src/index.js';

interface Data {
  userId: string;
  theme?: string;
}

const trpc = trpcSessions(createSessions<Data>());
const { createContext, responseMeta, withSession, requireSession, requireFresh } = trpc;

describe('invariant 10: the types of a context', () => {
  const t = initTRPC.context<typeof createContext>().create();

  test('session is exact on public and protected procedures', () => {
    t.procedure.concat(withSession).query(({ ctx }) => {
      expectTypeOf(ctx).not.toBeAny();
      expectTypeOf(ctx.session).not.toBeAny();
      expectTypeOf(ctx.session).toEqualTypeOf<Session<Data> | null>();
      expectTypeOf(ctx.sessions).toEqualTypeOf<RequestSessions<Data, Data>>();
    });
    t.procedure.concat(requireSession).query(({ ctx }) => {
      expectTypeOf(ctx.session).toEqualTypeOf<Session<Data>>();
      expectTypeOf(ctx.session.data).toEqualTypeOf<Data>();
      // @ts-expect-error the data has no such field
      ctx.session.data.nickname;
    });
    t.procedure
      .concat(requireFresh('5m'))
      .query(({ ctx }) => expectTypeOf(ctx.session).toEqualTypeOf<Session<Data>>());
    t.procedure
      .concat(withSession)
      .concat(requireSession)
      .query(({ ctx }) => expectTypeOf(ctx.session).toEqualTypeOf<Session<Data>>());
    // @ts-expect-error a guard adds it, and there is none
    t.procedure.query(({ ctx }) => ctx.session);
    // @ts-expect-error no duration
    expect(() => requireFresh('5 minutes')).toThrow('maxAge');
  });

  test('a schema decides the types of create and data', () => {
    const schema = z.object({ userId: z.string(), views: z.number().default(0) });
    const guards = trpcSessions(createSessions({ schema }));
    const s = initTRPC.context<typeof guards.createContext>().create();
    s.procedure.concat(guards.requireSession).query(({ ctx }) => {
      expectTypeOf(ctx.session.data).toEqualTypeOf<{ userId: string; views: number }>();
      expectTypeOf(ctx.sessions.create).parameter(0).toEqualTypeOf<{ userId: string; views?: number | undefined }>();
    });
  });

  test('an application’s larger context, meta, input, output and errors keep their types', () => {
    interface Meta {
      readonly role: 'admin' | 'user';
    }
    const makeContext = (options: ContextOptions) => ({
      ...createContext(options),
      db: { query: (text: string) => text.length },
    });
    const app = initTRPC
      .context<typeof makeContext>()
      .meta<Meta>()
      .create({ errorFormatter: ({ shape }) => ({ ...shape, data: { ...shape.data, hint: 'try again' } }) });
    const own = app.procedure.concat(requireSession);
    const router = app.router({
      change: own
        .meta({ role: 'admin' })
        .input(z.object({ theme: z.string() }))
        .output(z.number())
        .mutation(({ ctx, input }) => {
          expectTypeOf(ctx.session).toEqualTypeOf<Session<Data>>();
          expectTypeOf(ctx.db.query).returns.toBeNumber();
          expectTypeOf(input).toEqualTypeOf<{ theme: string }>();
          return ctx.db.query(input.theme);
        }),
      nested: app.router({ count: own.query(() => 1) }),
    });
    // @ts-expect-error not a role
    own.meta({ role: 'guest' });
    const client = createTRPCClient<typeof router>({ links: [httpLink({ url: '' })] });
    expectTypeOf(client.change.mutate).parameter(0).toEqualTypeOf<{ theme: string }>();
    expectTypeOf(client.change.mutate).returns.resolves.toEqualTypeOf<number>();
    expectTypeOf(client.nested.count.query).returns.resolves.toEqualTypeOf<number>();
    type Errors = inferProcedureErrorShape<typeof router, typeof router._def.procedures.change>;
    expectTypeOf<Errors['data']['hint']>().toEqualTypeOf<string>();
    expectTypeOf<Errors>().toEqualTypeOf<inferRouterError<typeof router>>();
  });

  test('an application whose context lacks the sessions, or has those of another kind, does not compile', () => {
    const empty = initTRPC.create();
    // @ts-expect-error no sessions on the context
    empty.procedure.concat(withSession);
    const other = initTRPC.context<{ readonly db: object }>().create();
    // @ts-expect-error no sessions on the context
    other.procedure.concat(requireSession);
    const foreign = trpcSessions(createSessions<{ account: number }>());
    const wrong = initTRPC.context<typeof foreign.createContext>().create();
    // @ts-expect-error sessions with other data
    wrong.procedure.concat(requireSession);
  });
});

describe('rule 10: a session that a procedure returns has the type that arrives at the client', () => {
  const t = initTRPC.context<typeof createContext>().create();
  const router = t.router({
    me: t.procedure.concat(withSession).query(({ ctx }) => ctx.session),
    mine: t.procedure.concat(requireSession).query(({ ctx }) => ({ session: ctx.session, at: 1 })),
    login: t.procedure.concat(withSession).mutation(({ ctx }) => ctx.sessions.create({ userId: 'ann' })),
    list: t.procedure.concat(requireSession).query(({ ctx }) => ctx.sessions.list()),
  });
  type Outputs = inferRouterOutputs<typeof router>;

  test('an inferred output has the fields of toJSON, and no token or method', () => {
    expectTypeOf<NonNullable<Outputs['me']>>().toExtend<SessionJson<Data>>();
    expectTypeOf<keyof NonNullable<Outputs['me']>>().toEqualTypeOf<keyof SessionJson<Data>>();
    expectTypeOf<keyof Outputs['mine']['session']>().toEqualTypeOf<keyof SessionJson<Data>>();
    expectTypeOf<keyof Outputs['login']>().toEqualTypeOf<keyof SessionJson<Data>>();
    expectTypeOf<Outputs['login']['data']>().toEqualTypeOf<Data>();
    expectTypeOf<null extends Outputs['me'] ? true : false>().toEqualTypeOf<true>();
  });

  test('a client calls with the same types', () => {
    const client = createTRPCClient<typeof router>({ links: [httpLink({ url: '' })] });
    expectTypeOf(client.me.query).returns.resolves.toEqualTypeOf<Outputs['me']>();
    expectTypeOf<Outputs['list'][number]>().toExtend<{ id: string; isCurrent: boolean; data: Data }>();
  });

  test('with a transformer, tRPC infers the session object itself', () => {
    const transformer: TRPCDataTransformer = { serialize: (value) => value, deserialize: (value) => value };
    const s = initTRPC.context<typeof createContext>().create({ transformer });
    const own = s.router({
      login: s.procedure.concat(withSession).mutation(({ ctx }) => ctx.sessions.create({ userId: 'ann' })),
    });
    expectTypeOf<inferRouterOutputs<typeof own>['login']>().toEqualTypeOf<NewSession<Data>>();
  });
});

describe('createContext and responseMeta fit', () => {
  const t = initTRPC.context<typeof createContext>().create();
  const router = t.router({ me: t.procedure.concat(requireSession).query(({ ctx }) => ctx.session.data.userId) });
  const options = { router, createContext, responseMeta };

  test('the adapters', () => {
    fetchRequestHandler.bind(null, { ...options, endpoint: '', req: new Request('http://localhost') });
    createHTTPHandler(options);
    createExpressMiddleware(options);
    expectTypeOf(createContext).toExtend<CreateWSSContextFn<typeof router>>();
    expectTypeOf(fastifyTRPCPlugin).not.toBeAny();
    const fastify: FastifyTRPCPluginOptions<typeof router> = { trpcOptions: options };
    expectTypeOf(fastify).toExtend<FastifyTRPCPluginOptions<typeof router>>();
    expectTypeOf<CreateFastifyContextOptions>().toExtend<ContextOptions>();
    expectTypeOf<CreateWSSContextFnOptions>().toExtend<ContextOptions>();
    expectTypeOf<NodeHTTPCreateContextFnOptions<IncomingMessage, ServerResponse>>().toExtend<ContextOptions>();
  });

  test('the shapes of AWS Lambda, and bare headers', () => {
    interface EventV1 {
      readonly headers: { [name: string]: string | undefined };
      readonly multiValueHeaders: { [name: string]: string[] | undefined };
      readonly httpMethod: string;
      readonly requestContext: { readonly httpMethod: string; readonly stage: string };
    }
    interface EventV2 {
      readonly headers: { [name: string]: string | undefined };
      readonly cookies?: string[];
      readonly requestContext: { readonly http: { readonly method: string; readonly path: string } };
    }
    type LambdaOptions<Event> = { event: Event; context: { readonly awsRequestId: string }; info: never };
    expectTypeOf<LambdaOptions<EventV1>>().toExtend<ContextOptions>();
    expectTypeOf<LambdaOptions<EventV2>>().toExtend<ContextOptions>();
    expectTypeOf<{ headers: Headers }>().toExtend<ContextOptions>();
    expectTypeOf<{ headers: { authorization: string } }>().toExtend<ContextOptions>();
    // No token can be read from this.
    expectTypeOf<{ info: undefined }>().not.toExtend<ContextOptions>();
  });

  test('an own responseMeta receives what tRPC gives', () => {
    createHTTPHandler({
      router,
      createContext,
      responseMeta: responseMeta(({ ctx, paths, errors, eagerGeneration }) => {
        expectTypeOf(ctx?.sessions).toEqualTypeOf<RequestSessions<Data, Data> | undefined>();
        expectTypeOf(paths).toEqualTypeOf<readonly string[] | undefined>();
        expectTypeOf(eagerGeneration).toBeBoolean();
        return errors.length > 0 ? { status: 500 } : { headers: new Headers() };
      }),
    });
  });
});
