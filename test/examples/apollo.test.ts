import { memoryStore } from 'token-sessions';
import { expect, onTestFinished, test } from 'vitest';
import { start } from '../../examples/apollo/server.js';
import { graphqlAt } from './support/graphql.js';

async function startInTest() {
  const store = memoryStore();
  const { url, stop } = await start(0, store);
  onTestFinished(stop);
  return { store, graphql: graphqlAt(url) };
}

const UNAUTHENTICATED = { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] };

test('the Apollo example logs in, saves, counts and logs out', async () => {
  const { graphql } = await startInTest();
  expect(await graphql('{ me }')).toMatchObject(UNAUTHENTICATED);
  const login = await graphql('mutation { login }');
  expect(login).toMatchObject({ status: 200, cache: 'no-store', data: { login: expect.stringMatching(/^ts_/) } });
  const token = String(login.data?.['login']);
  expect((await graphql('mutation { first: visit second: visit }', token)).data).toEqual({ first: 1, second: 2 });
  expect((await graphql('{ me }', token)).data).toEqual({ me: 'ada' });
  expect((await graphql('mutation { theme(name: "dark") }', token)).data).toEqual({ theme: 'dark' });
  expect((await graphql('{ theme }', token)).data).toEqual({ theme: 'dark' });
  expect((await graphql('mutation { logout }', token)).data).toEqual({ logout: true });
  expect(await graphql('{ me }', token)).toMatchObject(UNAUTHENTICATED);
});

test('invariant 6: in the Apollo example an outage is an outage', async () => {
  const { graphql, store } = await startInTest();
  const token = String((await graphql('mutation { login }')).data?.['login']);
  store.find = () => Promise.reject(new Error('connection refused by db.internal'));
  const answer = await graphql('{ me }', token);
  expect(answer).toMatchObject({ status: 503, errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] });
  expect(JSON.stringify(answer)).not.toContain('db.internal');
});
