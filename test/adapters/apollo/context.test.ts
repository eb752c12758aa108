import { ApolloServer } from '@apollo/server';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { apolloSessions } from '../../../src/adapters/apollo/index.js';
import type { SessionContext } from '../../../src/index.js';
import { gate } from '../../support/gate.js';
import { ANN, type Data, makeSchema } from '../yoga/support/app.js';
import { bearer } from '../yoga/support/client.js';
import { makeSessions } from '../yoga/support/setup.js';
import { run } from './support/setup.js';

const socket = () => ({ send: () => undefined, close: () => undefined });

test.each([
  ['{ req }', (headers: Record<string, string>) => ({ req: { headers } })],
  ['{ request }', (headers: Record<string, string>) => ({ request: { headers } })],
  ['{ headers }', (headers: Record<string, string>) => ({ headers })],
  ['a Fetch request', (headers: Record<string, string>) => new Request('https://apollo.example', { headers })],
  ['an upgrade request', (headers: Record<string, string>) => ({ extra: { socket: socket(), request: { headers } } })],
  ['connection parameters', (headers: Record<string, string>) => ({ connectionParams: headers })],
])('a context is made from %s', async (_, from) => {
  const { sessions, token } = await makeSessions();
  const { context } = apolloSessions(sessions);
  expect((await context(from(bearer(token)))).session?.data).toEqual(ANN);
});

test('rule 15: a login on a graphql-ws connection takes effect immediately, also for later operations', async () => {
  const { sessions, store } = await makeSessions();
  const { context } = apolloSessions(sessions);
  const connection = { connectionParams: {}, extra: { socket: socket() } };
  const anonymous = await context(connection);
  const { token } = await anonymous.sessions.create({ ...ANN, userId: 'bob' });
  expect((await sessions.fromToken(token)).session?.data.userId).toBe('bob');
  expect((await context(connection)).session?.data.userId).toBe('bob');
  expect(store.calls.insert).toBe(1);
});

describe('operations of one request that are no batch do not wait for each other', () => {
  test.each(['with a context each', 'with one context that is used again'])('%s', async (manner) => {
    const { sessions, token, stored } = await makeSessions();
    const { plugin, context } = apolloSessions(sessions);
    const [begun, late] = [gate(), gate()];
    const wait = async () => {
      begun.open();
      await late.opened;
      return 'waited';
    };
    const schema = makeSchema({ run: { ...run, wait } });
    const server = new ApolloServer<SessionContext<Data>>({ schema, plugins: [plugin] });
    onTestFinished(() => server.stop());
    const req = { headers: bearer(token) };
    const shared = await context({ req });
    const execute = async (query: string) => {
      const contextValue = manner === 'with a context each' ? await context({ req }) : shared;
      return server.executeOperation({ query }, { contextValue });
    };
    await execute('{ run(op: "me") }');
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const neighbour = execute('{ run(op: "wait") }');
    await begun.opened;
    await execute('mutation { run(op: "theme", value: "dark") }');
    expect((await stored())?.theme).toBe('dark');
    late.open();
    expect((await neighbour).body).toMatchObject({ singleResult: { data: { run: 'waited' } } });
  });
});
