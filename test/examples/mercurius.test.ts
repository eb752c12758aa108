import { memoryStore } from 'token-sessions';
import { expect, onTestFinished, test } from 'vitest';
import { makeApp } from '../../examples/mercurius/app.js';

function start() {
  const store = memoryStore();
  const app = makeApp(store);
  onTestFinished(() => app.close());
  const graphql = async (query: string, token?: string) => {
    const headers = {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    const answer = await app.inject({ method: 'POST', url: '/graphql', headers, body: JSON.stringify({ query }) });
    return { status: answer.statusCode, ...answer.json() };
  };
  return { store, graphql };
}

test('the Mercurius example logs in, saves and logs out', async () => {
  const { graphql } = start();
  expect(await graphql('{ me }')).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
  const { data } = await graphql('mutation { login }');
  expect((await graphql('{ me }', data.login)).data).toEqual({ me: 'ada' });
  expect((await graphql('mutation { theme(name: "dark") }', data.login)).data).toEqual({ theme: 'dark' });
  expect((await graphql('{ theme }', data.login)).data).toEqual({ theme: 'dark' });
  expect((await graphql('mutation { logout }', data.login)).data).toEqual({ logout: true });
  expect(await graphql('{ me }', data.login)).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
});

test('rule 18: what an operation that failed has changed is dropped', async () => {
  const { graphql } = start();
  const { data } = await graphql('mutation { login }');
  await graphql('mutation { theme(name: "dark") a: logout b: theme(name: "x") }', data.login).catch(() => undefined);
  expect(await graphql('{ me }', data.login)).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
});

test('invariant 6: in the Mercurius example an outage is an outage', async () => {
  const { graphql, store } = start();
  const { data } = await graphql('mutation { login }');
  store.find = () => Promise.reject(new Error('connection refused by db.internal'));
  const answer = await graphql('{ me }', data.login);
  expect(answer.status).toBe(503);
  expect(JSON.stringify(answer)).not.toContain('db.internal');
});
