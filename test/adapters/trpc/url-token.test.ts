import { initTRPC } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { expect, test } from 'vitest';
import { trpcSessions } from '../../../src/adapters/trpc/index.js';
import { createSessions } from '../../../src/index.js';

/** Subscribes over SSE with these connection parameters, as `httpSubscriptionLink` does. */
async function subscribeTwice(paramsOf: (token: string) => Record<string, string>) {
  const warnings: string[] = [];
  const logger = { warn: (line: string) => void warnings.push(line), error: () => undefined };
  const sessions = createSessions<{ userId: string }>({ logger });
  const { createContext, withSession } = trpcSessions(sessions);
  const t = initTRPC.context<typeof createContext>().create();
  const router = t.router({
    user: t.procedure.concat(withSession).subscription(async function* ({ ctx }) {
      yield ctx.session?.data.userId ?? 'anonymous';
    }),
  });
  const { token } = await sessions.create({ userId: 'ann' });
  const url = new URL('https://app.example/trpc/user');
  url.searchParams.set('connectionParams', JSON.stringify(paramsOf(token)));
  const answer = async () => {
    const req = new Request(url, { headers: { accept: 'text/event-stream' } });
    return (await fetchRequestHandler({ endpoint: '/trpc', req, router, createContext })).text();
  };
  return { answers: [await answer(), await answer()], warnings };
}

test.each([
  { name: 'authorization', paramsOf: (token: string) => ({ Authorization: `Bearer ${token}` }) },
  { name: 'token', paramsOf: (token: string) => ({ token }) },
])('a token in the URL of a subscription gives no access, and is warned of once: $name', async ({ paramsOf }) => {
  const { answers, warnings } = await subscribeTwice(paramsOf);
  for (const answer of answers) expect(answer).toContain('data: "anonymous"');
  expect(warnings).toEqual([expect.stringContaining('use an EventSource that sends headers')]);
});

test('other connection parameters in the URL are not warned of', async () => {
  const { answers, warnings } = await subscribeTwice(() => ({ locale: 'de' }));
  for (const answer of answers) expect(answer).toContain('data: "anonymous"');
  expect(warnings).toEqual([]);
});
