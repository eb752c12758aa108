import { expect, test } from 'vitest';
import { yoga } from '../../examples/yoga/app.js';

async function graphql(query: string, token?: string): Promise<unknown> {
  const response = await yoga.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query }),
  });
  return response.json();
}

const UNAUTHENTICATED = { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] };

test('yoga: logs in, counts, logs out', async () => {
  expect(await graphql('{ views }')).toMatchObject(UNAUTHENTICATED);
  const answer = await graphql('mutation { login }');
  expect(answer).toEqual({ data: { login: expect.stringMatching(/^ts_/) } });
  const token = JSON.parse(JSON.stringify(answer)).data.login;
  expect(await graphql('mutation { first: visit second: visit }', token)).toEqual({ data: { first: 1, second: 2 } });
  expect(await graphql('{ views }', token)).toEqual({ data: { views: 2 } });
  expect(await graphql('mutation { logout }', token)).toEqual({ data: { logout: true } });
  expect(await graphql('{ views }', token)).toMatchObject(UNAUTHENTICATED);
});
