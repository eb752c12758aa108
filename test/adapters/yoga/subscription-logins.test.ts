import { GraphQLError } from 'graphql';
import { expect, test } from 'vitest';
import { cookie, type SessionContext, type SessionsOptions } from '../../../src/index.js';
import { ANN, type Data } from './support/app.js';
import { bearer } from './support/client.js';
import { startYoga } from './support/setup.js';
import { SSE, stream } from './support/streaming.js';

const login = (ctx: SessionContext<Data>) => ctx.sessions.create({ ...ANN, userId: 'bob' });

async function* events(ctx: SessionContext<Data>) {
  yield ctx.sessions.current?.data.userId;
}

const watch = {
  enter: async (ctx: SessionContext<Data>) => {
    await login(ctx);
    return events(ctx);
  },
  refuse: async (ctx: SessionContext<Data>) => {
    await login(ctx);
    throw new GraphQLError('refused');
  },
};

async function start(options: SessionsOptions<Data> = {}) {
  const server = await startYoga({ watch }, {}, options);
  const log: string[] = [];
  server.sessions.on('created', ({ ownerId }) => log.push(`created ${ownerId}`));
  server.sessions.on('destroyed', ({ ownerId, reason }) => log.push(`${reason} ${ownerId}`));
  const subscribe = (op: string, headers: Record<string, string> = {}) =>
    stream(server.endpoint, `subscription { watch(op: "${op}") }`, { ...SSE, ...headers });
  return { ...server, log, subscribe };
}

test('rule 18: a login before a subscription begins takes effect, and its token is on the answer', async () => {
  const { subscribe, sessions, log } = await start({ sources: [cookie('sid')] });
  const { response, all } = await subscribe('enter');
  const token = /^sid=([^;]+)/.exec(response.headers.getSetCookie()[0] ?? '')?.[1];
  expect((await sessions.fromToken(token)).session?.data.userId).toBe('bob');
  expect(response.headers.get('cache-control')).toContain('no-store');
  expect(await all()).toMatchObject([{ data: { watch: 'bob' } }]);
  expect(log).toEqual(['created bob']);
});

test('rule 18: such a login ends the previous session', async () => {
  const { subscribe, stored, token, log } = await start();
  expect(await (await subscribe('enter', bearer(token))).all()).toMatchObject([{ data: { watch: 'bob' } }]);
  expect(await stored()).toBeUndefined();
  expect(log).toEqual(['created bob', 'replaced ann']);
});

test('rule 18: a login of a subscription that does not begin is undone', async () => {
  const { subscribe, store, stored, token, log } = await start();
  await (await subscribe('refuse', bearer(token))).all();
  expect([await store.count?.(), await stored(), log]).toEqual([1, ANN, []]);
});

test('rule 18: if the previous session cannot be ended, the subscription does not begin', async () => {
  const { subscribe, store, stored, token, id } = await start();
  store.before = (verb, of) => {
    if (verb === 'delete' && of === id) throw new Error('away');
  };
  const parts = await (await subscribe('enter', bearer(token))).all();
  store.before = undefined;
  expect(parts).toMatchObject([{ errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] }]);
  expect([await store.count?.(), await stored()]).toEqual([1, ANN]);
});
