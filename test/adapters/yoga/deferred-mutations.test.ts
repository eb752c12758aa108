import { useDeferStream } from '@graphql-yoga/plugin-defer-stream';
import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { expect, test } from 'vitest';
import { requireSession } from '../../../src/adapters/yoga/index.js';
import type { SessionContext } from '../../../src/index.js';
import { type Data, type Handlers, makeSchema } from './support/app.js';
import { bearer } from './support/client.js';
import { startYoga } from './support/setup.js';
import { darken, MULTIPART, stream } from './support/streaming.js';

const visit = (ctx: SessionContext<Data>) => {
  requireSession(ctx).data.views += 1;
  return 'visited';
};
const promote = async (ctx: SessionContext<Data>) => {
  await new Promise(setImmediate);
  requireSession(ctx).data.role = 'admin';
  return 'promoted';
};
const fail = (ctx: SessionContext<Data>) => {
  requireSession(ctx).data.role = 'failed';
  throw new GraphQLError('refused');
};
const failLate = async () => {
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  throw new GraphQLError('refused');
};

async function start(plugins: Plugin[] = []) {
  const warnings: string[] = [];
  const logger = { warn: (message: string) => void warnings.push(message), error: () => undefined };
  const handlers: Handlers = { run: { darken, visit, promote, fail, failLate, nothing: () => null } };
  const server = await startYoga(handlers, { plugins: [useDeferStream(), ...plugins] }, { logger });
  const mutate = async (fields: string) => {
    const headers = { ...MULTIPART, ...bearer(server.token) };
    await (await stream(server.endpoint, `mutation { ${fields} }`, headers)).all();
    return server.stored();
  };
  return { ...server, mutate, warnings };
}

const notDeferred = 'node { ... @defer(if: false) { later: run(op: "visit") } }';
const deferred = 'node { ... @defer { later: run(op: "visit") } }';

test('rule 18: with @defer(if: false), each root field decides for its own changes', async () => {
  const { mutate } = await start();
  const below = 'below: node { run(op: "darken") required(op: "fail") }';
  expect(await mutate(`${notDeferred} ${below}`)).toEqual({ userId: 'ann', theme: 'light', views: 1 });
});

test('rule 18: with @defer(if: false), the changes below a failed root field are dropped', async () => {
  const { mutate } = await start();
  const below = 'node { ... @defer(if: false) { run(op: "darken") required(op: "fail") } }';
  expect(await mutate(`first: run(op: "visit") ${below}`)).toEqual({ userId: 'ann', theme: 'light', views: 1 });
});

test('rule 18: with @defer(if: false), late changes below a failed root field are dropped', async () => {
  const { mutate } = await start();
  const below = 'node { ... @defer(if: false) { run(op: "promote") required(op: "failLate") } }';
  expect(await mutate(`first: run(op: "visit") ${below}`)).toEqual({ userId: 'ann', theme: 'light', views: 1 });
});

test('rule 18: the changes of a part that runs before the initial result are saved at the end', async () => {
  const { mutate } = await start();
  expect(await mutate(`run(op: "darken") ${deferred}`)).toEqual({ userId: 'ann', theme: 'dark', views: 1 });
});

test('rule 18: the changes of root fields after one that defers are saved at the end', async () => {
  const { mutate } = await start();
  const fields = `${deferred} run(op: "promote") again: node { run(op: "darken") ... @defer { later: run(op: "nothing") } }`;
  expect(await mutate(fields)).toEqual({ userId: 'ann', theme: 'dark', views: 1, role: 'admin' });
});

test('rule 18: saves nothing of a failed operation whose schema another plugin has exchanged', async () => {
  const schema = makeSchema({ run: { darken, fail } });
  const exchange: Plugin = { onExecute: ({ args }) => void Object.assign(args, { schema }) };
  const { mutate, warnings } = await start([exchange]);
  expect(await mutate('run(op: "darken") other: run(op: "fail")')).toMatchObject({ theme: 'light' });
  expect(warnings).toEqual([expect.stringContaining('changes to the session were dropped')]);
  expect(await mutate('run(op: "darken")')).toMatchObject({ theme: 'dark' });
});

test('rule 18: root fields are saved although the host asks for no part, because the client has left', async () => {
  const { yoga, token, stored } = await start();
  const headers = { ...MULTIPART, ...bearer(token), 'content-type': 'application/json' };
  const query = `mutation { run(op: "darken") ${deferred} }`;
  const response = await yoga.fetch('http://api.example/graphql', {
    method: 'POST',
    headers,
    body: JSON.stringify({ query }),
  });
  expect(response.status).toBe(200);
  expect(await stored()).toMatchObject({ theme: 'dark', views: 0 });
});
