import type { AddressInfo } from 'node:net';
import { memoryStore } from 'token-sessions';
import { expect, onTestFinished, test } from 'vitest';
import { makeApp } from '../../examples/nestjs-graphql/app.js';
import { graphqlAt } from './support/graphql.js';

async function start(now?: () => number) {
  const store = memoryStore();
  const app = await makeApp(store, now);
  await app.listen(0, '127.0.0.1');
  onTestFinished(() => app.close());
  const { port }: AddressInfo = app.getHttpServer().address();
  const graphql = graphqlAt(`http://127.0.0.1:${port}/graphql`);
  const login = async () => String((await graphql('mutation { login }')).data?.['login']);
  return { store, graphql, login };
}

const UNAUTHENTICATED = { status: 401, errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] };

test('the example of NestJS and GraphQL logs in, saves and logs out', async () => {
  const { graphql } = await start();
  expect(await graphql('{ me }')).toMatchObject({ ...UNAUTHENTICATED, challenge: 'Bearer' });
  const login = await graphql('mutation { login }');
  expect(login).toMatchObject({ status: 200, cache: 'no-store', data: { login: expect.stringMatching(/^ts_/) } });
  const token = String(login.data?.['login']);
  expect((await graphql('{ me theme }', token)).data).toEqual({ me: 'ada', theme: 'light' });
  expect((await graphql('mutation { theme(name: "dark") }', token)).data).toEqual({ theme: 'dark' });
  expect((await graphql('{ theme }', token)).data).toEqual({ theme: 'dark' });
  expect((await graphql('mutation { logout }', token)).data).toEqual({ logout: true });
  expect(await graphql('{ me }', token)).toMatchObject({
    ...UNAUTHENTICATED,
    challenge: 'Bearer error="invalid_token"',
  });
});

test('rule 18: the example of NestJS and GraphQL drops what a failed mutation has changed', async () => {
  const { graphql, login } = await start();
  const token = await login();
  expect((await graphql('mutation { theme(name: "") }', token)).errors).toBeDefined();
  expect((await graphql('{ theme }', token)).data).toEqual({ theme: 'light' });
});

test('the example of NestJS and GraphQL asks for a step-up by its code', async () => {
  let now = Date.now();
  const { graphql, login } = await start(() => now);
  const token = await login();
  now += 10 * 60_000;
  expect(await graphql('mutation { deleteAccount }', token)).toMatchObject({
    status: 401,
    // NestJS ran guards and pipes before, so that no client repeats the mutation on its own.
    challenge: 'Bearer',
    errors: [{ extensions: { code: 'STEP_UP_REQUIRED' } }],
  });
  expect((await graphql('{ me }', token)).data).toEqual({ me: 'ada' });
});

test('rule 6: in the example of NestJS and GraphQL an outage is an outage', async () => {
  const { graphql, login, store } = await start();
  const token = await login();
  store.find = () => Promise.reject(new Error('connection refused by db.internal'));
  const answer = await graphql('{ me }', token);
  expect(answer).toMatchObject({ status: 503, errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] });
  expect(JSON.stringify(answer)).not.toContain('db.internal');
});
