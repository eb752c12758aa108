import { createTRPCClient, httpBatchLink } from '@trpc/client';
import { expect, test } from 'vitest';
import app, { type AppRouter } from '../../examples/trpc-fetch/app.js';

function client(token?: string) {
  return createTRPCClient<AppRouter>({
    links: [
      httpBatchLink({
        url: 'http://localhost/trpc',
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        fetch: (input, init) => app.fetch(new Request(input, { ...init, signal: init?.signal ?? null })),
      }),
    ],
  });
}

test('trpc-fetch: logs in, counts in one batch, logs out', async () => {
  await expect(client().visit.mutate()).rejects.toMatchObject({ data: { code: 'UNAUTHORIZED' } });
  const { token } = await client().login.mutate();
  const { visit, logout } = client(token);
  await Promise.all([visit.mutate(), visit.mutate()]);
  expect(await visit.mutate()).toEqual({ userId: 'ada', views: 3 });
  await logout.mutate();
  await expect(visit.mutate()).rejects.toMatchObject({ data: { code: 'UNAUTHORIZED' } });
});
