import { useDeferStream } from '@graphql-yoga/plugin-defer-stream';
import { GraphQLError } from 'graphql';
import { expect, test } from 'vitest';
import { cookie, type SessionContext } from '../../../src/index.js';
import { gate } from '../../support/gate.js';
import { ANN, type Data } from './support/app.js';
import { startYoga } from './support/setup.js';
import { MULTIPART, stream } from './support/streaming.js';

const login = async (ctx: SessionContext<Data>) => {
  await ctx.sessions.create({ ...ANN, userId: 'bob' });
  return 'in';
};

async function start() {
  const wait = gate();
  const run = {
    login,
    late: async (ctx: SessionContext<Data>) => {
      await wait.opened;
      return login(ctx);
    },
    slow: () => wait.opened.then(() => 'slow'),
    fail: async () => {
      await wait.opened;
      throw new GraphQLError('refused');
    },
    deny: () => {
      throw new GraphQLError('refused');
    },
    refuse: async (ctx: SessionContext<Data>) => {
      await login(ctx);
      throw new GraphQLError('refused');
    },
  };
  const server = await startYoga({ run }, { plugins: [useDeferStream()] }, { sources: [cookie('sid')] });
  /** Sends an operation as ann. The rest of the answer comes when `wait` opens. */
  const send = async (query: string) => {
    const { response, until, all } = await stream(server.endpoint, query, {
      ...MULTIPART,
      cookie: `sid=${server.token}`,
    });
    await until(1);
    wait.open();
    await all();
    const token = /^sid=([^;]+)/.exec(response.headers.getSetCookie()[0] ?? '')?.[1];
    const user = token ? (await server.sessions.fromToken(token)).session?.data.userId : undefined;
    return { user, isAnnIn: (await server.stored()) !== undefined, count: await server.store.count?.() };
  };
  return { ...server, send };
}

const slow = 'node { ... @defer { later: run(op: "slow") } }';

test.each([
  ['a mutation', `mutation { run(op: "login") ${slow} }`],
  ['a mutation, after the field that defers', `mutation { ${slow} run(op: "login") }`],
  ['a query', `{ run(op: "login") ${slow} }`],
  ['a part that runs before the initial result', 'mutation { node { ... @defer { later: run(op: "login") } } }'],
  ['a mutation of which a part fails later', 'mutation { run(op: "login") node { ... @defer { run(op: "fail") } } }'],
])('rule 18: the head that leaves with the initial result carries the token of %s', async (_, query) => {
  const { send } = await start();
  expect(await send(query)).toEqual({ user: 'bob', isAnnIn: false, count: 1 });
});

test.each([
  ['of a root field that failed', `mutation { run(op: "refuse") ${slow} }`],
  ['below one that failed', `mutation { ${slow} other: node { run(op: "login") required(op: "deny") } }`],
  ['after the head has left', 'mutation { node { ... @defer { later: run(op: "late") } } }'],
])('rule 18: a login %s leaves nothing', async (_, query) => {
  const { send } = await start();
  expect(await send(query)).toEqual({ user: undefined, isAnnIn: true, count: 1 });
});

test('rule 18: if the previous session cannot be ended, the initial result is the error', async () => {
  const { send, store, id } = await start();
  store.before = (verb, of) => {
    if (verb === 'delete' && of === id) throw new Error('away');
  };
  expect(await send(`mutation { run(op: "login") ${slow} }`)).toEqual({ user: undefined, isAnnIn: true, count: 1 });
});
