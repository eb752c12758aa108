import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { expect, onTestFinished, test, vi } from 'vitest';
import { apolloSessions } from '../../../src/adapters/apollo/index.js';
import { createSessions, type SessionContext } from '../../../src/index.js';
import { collector } from '../../support/collect.js';
import { type Data, makeSchema } from '../yoga/support/app.js';
import { post, resultOf } from '../yoga/support/client.js';

test.each([false, true])(
  'a server without the plugin is warned about once, one with it is not (%s)',
  async (isInstalled) => {
    const warnings: string[] = [];
    const logger = { warn: (text: string) => warnings.push(text), error: () => undefined };
    const { plugin, context } = apolloSessions(createSessions<Data>({ logger }));
    const server = new ApolloServer<SessionContext<Data>>({
      schema: makeSchema<Data>({ run: { news: () => 'news' } }),
      plugins: isInstalled ? [plugin] : [],
    });
    const { url } = await startStandaloneServer(server, { context, listen: { port: 0 } });
    onTestFinished(() => server.stop());
    const collect = collector();
    for (let count = 0; count < 3; count += 1)
      expect(resultOf(await post(url, { query: '{ run(op: "news") }' }))).toEqual({ data: { run: 'news' } });
    const missing = expect.stringContaining('the option plugins of ApolloServer');
    if (!isInstalled) {
      await vi.waitFor(() => {
        collect();
        expect(warnings).toEqual([missing]);
      });
    }
    for (let count = 0; count < 3; count += 1) {
      collect();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(warnings).toEqual(isInstalled ? [] : [missing]);
  },
);
