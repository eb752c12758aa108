import { once } from 'node:events';
import { createServer } from 'node:http';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { Client, fetchExchange } from '@urql/core';
import { createSchema, createYoga } from 'graphql-yoga';
import { bearer, createSessions, header, memoryStore, type SessionContext } from 'token-sessions';
import { requireFresh, requireSession, useSession } from 'token-sessions/yoga';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSessionClient, type SessionClientOptions, sessionProblem } from '../../src/client/index.js';
import { changesOf } from './support/fake-browser.js';

interface Data {
  readonly userId: string;
}

const clock = { now: Date.now() };
const memory = memoryStore({ now: () => clock.now });
const find = memory.find.bind(memory);
let isDown = false;
let bumps = 0;
memory.find = async (id) => {
  if (isDown) throw new Error('down');
  return find(id);
};
const sessions = createSessions<Data>({
  store: memory,
  now: () => clock.now,
  sources: [bearer(), header('session-token', { respond: true })],
});
const yoga = createYoga({
  logging: false,
  plugins: [useSession(sessions)],
  schema: createSchema<SessionContext<Data>>({
    typeDefs: 'type Query { me: String } type Mutation { login: String bump: String secret: String }',
    resolvers: {
      Query: { me: (_, __, ctx) => requireSession(ctx).data.userId },
      Mutation: {
        login: async (_, __, ctx) => (await ctx.sessions.create({ userId: 'ada' })).token,
        bump: (_, __, ctx) => {
          requireSession(ctx);
          return `${++bumps}`;
        },
        secret: (_, __, ctx) => {
          requireFresh(ctx, '5m');
          return `${++bumps}`;
        },
      },
    },
  }),
});
const server = createServer(yoga);
let url = '';
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/graphql`;
});
afterAll(async () => {
  server.closeAllConnections();
  await once(server.close(), 'close');
});

type Fetch = typeof globalThis.fetch;
/** Runs a mutation with each client: resolves to its data, or rejects with its error. */
const CLIENTS: Readonly<Record<string, (fetch: Fetch, to: string) => (mutation: string) => Promise<unknown>>> = {
  urql: (fetch, to) => {
    const client = new Client({ url: to, exchanges: [fetchExchange], fetch });
    return async (mutation) => {
      const { data, error } = await client.mutation(mutation, {}).toPromise();
      if (error) throw error;
      return data;
    };
  },
  'Apollo Client': (fetch, to) => {
    const client = new ApolloClient({ cache: new InMemoryCache(), link: new HttpLink({ uri: to, fetch }) });
    return async (mutation) => (await client.mutate({ mutation: gql(mutation) })).data;
  },
  fetch: (fetch, to) => async (mutation) => {
    const body = JSON.stringify({ query: mutation });
    const response = await fetch(to, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    if (!response.ok) throw Object.assign(new Error('refused'), { response });
    return (await response.json()).data;
  },
};

describe.each(Object.keys(CLIENTS))('%s', (name) => {
  async function signedIn(options: SessionClientOptions = {}) {
    let before: (() => Promise<unknown>) | undefined;
    const session = createSessionClient({
      storage: 'memory',
      origins: [url],
      fetch: async (input, init) => {
        const run = before;
        before = undefined;
        await run?.();
        return fetch(input, init);
      },
      ...options,
    });
    const run = CLIENTS[name]?.(session.fetch, url);
    if (!run) throw new Error('no client');
    await run('mutation { login }');
    const token = (await session.token()) ?? '';
    return {
      session,
      run,
      token,
      meanwhile: (next: () => Promise<unknown>) => {
        before = next;
      },
      rotate: async () => {
        const { session: found } = await sessions.fromToken((await session.token()) ?? '');
        await session.set(await found?.rotate({ immediate: true, reauthenticated: true }));
      },
    };
  }

  test("takes the login's token from the header", async () => {
    const { session, token } = await signedIn();
    expect(token).toMatch(/^ts_/);
    expect(session.getSnapshot()).toBe((await sessions.fromToken(token)).session?.id);
  });

  test('repeats a mutation whose token was replaced, and it runs once', async () => {
    const { run, meanwhile, rotate } = await signedIn();
    const count = bumps;
    meanwhile(rotate);
    expect(await run('mutation { bump }')).toMatchObject({ bump: `${count + 1}` });
    expect(bumps).toBe(count + 1);
  });

  test('learns that its session has ended elsewhere', async () => {
    const { session, run, token } = await signedIn();
    const changes = changesOf(session);
    await (await sessions.fromToken(token)).session?.destroy();
    const count = bumps;
    expect(sessionProblem(await run('mutation { bump }').catch((error: unknown) => error))).toBe('ended');
    expect(changes).toEqual([{ type: 'ended', reason: 'refused' }]);
    expect(bumps).toBe(count);
  });

  test('steps up, and the mutation runs once', async () => {
    const needs: unknown[] = [];
    const app = await signedIn({
      onStepUp: async (need) => {
        needs.push(need);
        await app.rotate();
        return true;
      },
    });
    clock.now += 3_600_000;
    const count = bumps;
    await app.run('mutation { secret }');
    expect(bumps).toBe(count + 1);
    expect(needs).toEqual([{ maxAge: 300 }]);
  });

  test('stays signed in through an outage and a lost connection', async () => {
    const { session, run, token } = await signedIn();
    isDown = true;
    expect(sessionProblem(await run('mutation { bump }').catch((error: unknown) => error))).toBe('unavailable');
    isDown = false;
    const offline = CLIENTS[name]?.(session.fetch, 'http://127.0.0.1:9/graphql');
    await expect(offline?.('mutation { bump }')).rejects.toThrow();
    expect(await session.token()).toBe(token);
  });
});
