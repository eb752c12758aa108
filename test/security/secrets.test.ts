import { inspect } from 'node:util';
import { initTRPC } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { createSchema, createYoga } from 'graphql-yoga';
import { describe, expect, test } from 'vitest';
import { trpcSessions } from '../../src/adapters/trpc/index.js';
import { requireSession, useSession } from '../../src/adapters/yoga/index.js';
import {
  bearer,
  cookie,
  createSessions,
  header,
  memoryStore,
  type SessionContext,
  type SessionEventName,
  type SessionRecord,
  type SessionStore,
} from '../../src/index.js';

interface Data {
  userId: string;
  theme?: unknown;
}

const EVENTS: SessionEventName[] = [
  'created',
  'destroyed',
  'rotated',
  'reuse-detected',
  'evicted',
  'gone',
  'conflict',
  'invalid-data',
  'store-error',
];

/**
 * Everything that leaves the library, except the token for its caller: logs, events, errors and
 * the arguments of a store.
 */
class Outlets {
  readonly texts: string[] = [];
  readonly tokens = new Set<string>();

  note(...values: unknown[]): void {
    for (const value of values) this.texts.push(typeof value === 'string' ? value : show(value));
  }

  /** The places that contain a token, its secret or the bytes of that. */
  leaks(): string[] {
    const secrets = [...this.tokens].map((token) => token.slice(token.indexOf('.') + 1));
    const forms = secrets.flatMap((secret) => [
      secret,
      Buffer.from(secret, 'base64url').toString('hex'),
      encodeURIComponent(`.${secret}`),
    ]);
    return this.texts.filter((text) => forms.some((form) => text.includes(form)));
  }
}

function show(value: unknown): string {
  const seen = inspect(value, {
    depth: 12,
    showHidden: true,
    maxStringLength: null,
    maxArrayLength: null,
    getters: true,
  });
  return value instanceof Error ? `${seen} ${value.stack} ${show(value.cause)}` : seen;
}

/** A store that records its arguments, and can fail with an error that quotes them. */
function notingStore(outlets: Outlets) {
  const memory = memoryStore();
  const state = { failing: false };
  const pass = async <Result>(given: unknown, run: () => Promise<Result>): Promise<Result> => {
    outlets.note(JSON.stringify(given));
    if (state.failing) throw new Error(`cannot write ${JSON.stringify(given)}`);
    return run();
  };
  const store: SessionStore = {
    insert: (record, ttl) => pass(record, () => memory.insert(record, ttl)),
    find: (id) => pass(id, () => memory.find(id)),
    replace: (record, version, ttl) => pass([record, version], () => memory.replace(record, version, ttl)),
    delete: (id) => pass(id, () => memory.delete(id)),
    listByOwner: (owner) => memory.listByOwner(owner),
    deleteByOwner: (owner, except) => memory.deleteByOwner(owner, except),
  };
  return { store, state, memory };
}

function setUp() {
  const outlets = new Outlets();
  const { store, state, memory } = notingStore(outlets);
  const log = (message: string) => outlets.note(message);
  const clock = { now: Date.now() };
  const sessions = createSessions<Data>({
    store,
    ownerOf: (data) => data.userId,
    sources: [bearer(), header('x-token'), cookie('sid', { secure: false })],
    onReuse: 'destroy',
    touchInterval: 0,
    now: () => clock.now,
    logger: { debug: log, info: log, warn: log, error: log },
  });
  for (const name of EVENTS) sessions.on(name, (event) => outlets.note(name, event, JSON.stringify(event)));
  const caught = async (run: () => Promise<unknown>) => {
    await run().then(
      () => expect.unreachable('it was to fail'),
      (error: unknown) => outlets.note(error, JSON.stringify(error)),
    );
  };
  return { outlets, state, memory, clock, sessions, caught };
}

async function damage(memory: ReturnType<typeof memoryStore>, id: string): Promise<void> {
  const record: SessionRecord | null = await memory.find(id);
  if (record) await memory.replace({ ...record, version: 'damaged', body: '{"v":1,"k":' }, record.version, 1e9);
}

describe('invariant 4: no token or secret leaves except to the caller', () => {
  test('the core hides them in every operation, every failure and every event, at debug', async () => {
    const { outlets, state, memory, clock, sessions, caught } = setUp();
    const first = await sessions.create({ userId: 'ann' });
    outlets.tokens.add(first.token);
    const contexts = await Promise.all([
      sessions.fromHeaders({ authorization: `Bearer ${first.token}` }),
      sessions.fromHeaders({ 'x-token': first.token }),
      sessions.fromHeaders({ cookie: `sid=${first.token}` }, { method: 'GET' }),
      sessions.fromToken(first.token),
      sessions.fromToken(`${first.token.slice(0, -1)}B`),
    ]);
    for (const { session, sessions: ours } of contexts) {
      outlets.note(
        session,
        JSON.stringify(session),
        { session, ctx: { ...contexts[0] } },
        await ours.list(),
        ours.current,
      );
    }
    const session = contexts[0]?.session;
    const next = (await session?.rotate()) ?? '';
    outlets.tokens.add(next);
    outlets.note(session, JSON.stringify(session), contexts[0]);
    await sessions.fromToken(next);
    const third =
      (await (await sessions.fromToken(next)).session?.rotate({ immediate: true, reauthenticated: true })) ?? '';
    outlets.tokens.add(third);
    await caught(() => contexts[1]?.session?.rotate() ?? Promise.resolve());
    const holder = (await sessions.fromToken(third)).session;
    if (holder) holder.data.theme = new Map();
    await caught(() => holder?.save() ?? Promise.resolve());
    state.failing = true;
    await caught(() => sessions.fromToken(third));
    await caught(() => sessions.create({ userId: 'ann' }));
    await caught(() => holder?.destroy() ?? Promise.resolve());
    state.failing = false;
    clock.now += 60_000;
    await sessions.fromToken(next);
    const damaged = await sessions.create({ userId: 'ann' });
    outlets.tokens.add(damaged.token);
    await damage(memory, damaged.id);
    await caught(() => sessions.fromToken(damaged.token));
    await sessions.destroyFor('ann');
    expect(outlets.texts.length).toBeGreaterThan(50);
    expect(outlets.leaks()).toEqual([]);
  });

  test('the search would find them in the store’s errors, if the store received a token', async () => {
    const { outlets, sessions } = setUp();
    const { token } = await sessions.create({ userId: 'ann' });
    outlets.tokens.add(token);
    outlets.note(new Error('outer', { cause: new Error(`refused ${token}`) }));
    expect(outlets.leaks()).toHaveLength(1);
  });

  test('tRPC hides them in contexts, errors and answers', async () => {
    const { outlets, state, sessions, clock } = setUp();
    const { createContext, responseMeta, withSession, requireSession, requireFresh } = trpcSessions(sessions);
    const t = initTRPC.context<typeof createContext>().create();
    const router = t.router({
      login: t.procedure.concat(withSession).mutation(async ({ ctx }) => {
        const { token } = await ctx.sessions.create({ userId: 'ann' });
        outlets.tokens.add(token);
        outlets.note(ctx, JSON.stringify(ctx));
        return ctx.sessions.current;
      }),
      whole: t.procedure.concat(requireSession).query(({ ctx }) => ({ ...ctx, sessions: undefined })),
      sudo: t.procedure.concat(requireFresh('1ms')).query(() => 'ok'),
      bad: t.procedure.concat(requireSession).mutation(({ ctx }) => {
        ctx.session.data.theme = () => 1;
      }),
    });
    const ask = async (path: string, token?: string, method = 'GET') => {
      const response = await fetchRequestHandler({
        endpoint: '/trpc',
        router,
        createContext,
        responseMeta,
        req: new Request(`http://localhost/trpc/${path}`, {
          method,
          headers: token ? { authorization: `Bearer ${token}` } : {},
        }),
        onError: ({ error, ctx }) => outlets.note(error, ctx),
      });
      outlets.note(
        await response.text(),
        [...response.headers].filter(([name]) => name !== 'set-cookie'),
      );
    };
    await ask('login', undefined, 'POST');
    const [token] = outlets.tokens;
    clock.now += 2;
    for (const path of ['whole', 'sudo', 'missing']) await ask(path, token);
    await ask('bad', token, 'POST');
    await ask('whole', `${token}x`);
    state.failing = true;
    await ask('whole', token);
    expect(outlets.texts.length).toBeGreaterThan(15);
    expect(outlets.leaks()).toEqual([]);
  });

  test('GraphQL hides them in contexts, errors and answers', async () => {
    const { outlets, state, sessions } = setUp();
    const log = (...args: unknown[]) => outlets.note(...args);
    const yoga = createYoga<object, SessionContext<Data>>({
      schema: createSchema<SessionContext<Data>>({
        typeDefs: 'type Query { whole: String, bad: Boolean } type Mutation { login: Boolean }',
        resolvers: {
          Query: {
            whole: (_, _args, ctx) => {
              outlets.note(ctx.session, ctx.sessions);
              return JSON.stringify(requireSession(ctx));
            },
            bad: (_, _args, ctx) => {
              requireSession(ctx).data.theme = 1n;
              return true;
            },
          },
          Mutation: {
            login: async (_, _args, ctx) => {
              const { token } = await ctx.sessions.create({ userId: 'ann' });
              outlets.tokens.add(token);
              outlets.note(ctx.sessions.current, ctx);
              return true;
            },
          },
        },
      }),
      plugins: [useSession(sessions)],
      logging: { debug: log, info: log, warn: log, error: log },
    });
    const ask = async (query: string, token?: string) => {
      const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
      const response = await yoga.fetch('http://localhost/graphql', {
        method: 'POST',
        headers,
        body: JSON.stringify({ query }),
      });
      outlets.note(
        await response.text(),
        [...response.headers].filter(([name]) => name !== 'set-cookie'),
      );
    };
    await ask('mutation { login }');
    const [token] = outlets.tokens;
    for (const query of ['{ whole }', '{ bad }', '{ missing }']) await ask(query, token);
    await ask('{ whole }', `${token}x`);
    state.failing = true;
    await ask('{ whole }', token);
    expect(outlets.texts.length).toBeGreaterThan(10);
    expect(outlets.leaks()).toEqual([]);
  });
});
