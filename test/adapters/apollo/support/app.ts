import { ApolloServer, type ApolloServerOptionsWithSchema, type ApolloServerPlugin, HeaderMap } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import type { GraphQLSchema } from 'graphql';
import { apolloSessions } from '../../../../src/adapters/apollo/index.js';
import type { SessionContext, Sessions } from '../../../../src/index.js';
import type { Handlers } from '../../yoga/support/app.js';
import { makeSchema } from '../../yoga/support/app.js';

type Options<D> = Partial<Omit<ApolloServerOptionsWithSchema<SessionContext<D>>, 'schema' | 'plugins'>> & {
  readonly plugins?: readonly ApolloServerPlugin<SessionContext<D>>[];
  readonly schema?: GraphQLSchema;
};

/** An Apollo Server on Node. */
export async function startApollo<D>(sessions: Sessions<D>, handlers: Handlers<D>, options: Options<D> = {}) {
  const { plugin, context } = apolloSessions(sessions);
  const server = new ApolloServer<SessionContext<D>>({
    schema: makeSchema(handlers),
    allowBatchedHttpRequests: true,
    includeStacktraceInErrorResponses: false,
    ...options,
    plugins: [plugin, ...(options.plugins ?? [])],
  });
  const { url } = await startStandaloneServer(server, { context, listen: { port: 0 } });
  return { server, url, stop: () => server.stop() };
}

/** Apollo Server without Node's server, as its integrations for Fetch hosts use it. */
export async function fetchApollo<D>(sessions: Sessions<D>, handlers: Handlers<D>) {
  const { plugin, context } = apolloSessions(sessions);
  const server = new ApolloServer<SessionContext<D>>({ schema: makeSchema(handlers), plugins: [plugin] });
  await server.start();
  const send = async (url: string, init: RequestInit): Promise<Response> => {
    const request = new Request(url, init);
    const { status, headers, body } = await server.executeHTTPGraphQLRequest({
      httpGraphQLRequest: {
        method: request.method,
        headers: new HeaderMap(request.headers),
        search: new URL(url).search,
        body: await request.json(),
      },
      context: () => context(request),
    });
    if (body.kind !== 'complete') throw new Error('the test expects one answer');
    return new Response(body.string, { status: status ?? 200, headers: [...headers] });
  };
  return { send, stop: () => server.stop() };
}
