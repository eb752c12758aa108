import { createServer } from 'node:http';
import { graphqlHandler } from './graphql.js';
import type { DemoSessions } from './sessions.js';
import { trpcHandler } from './trpc.js';

export interface RunningServer {
  /** Such as `http://localhost:4000`. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves tRPC at `/trpc` and GraphQL at `/graphql`, on the same sessions. Port 0: any free one.
 */
export async function startServer(sessions: DemoSessions, port: number): Promise<RunningServer> {
  const trpc = trpcHandler(sessions);
  const graphql = graphqlHandler(sessions);
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    if (path.startsWith('/trpc/')) trpc(request, response);
    else if (path.startsWith('/graphql')) void graphql(request, response);
    else response.writeHead(404).end('Try /graphql, or /trpc.\n');
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, 'localhost', resolve));
  const address = server.address();
  return {
    url: `http://localhost:${typeof address === 'object' && address ? address.port : port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await sessions.close();
    },
  };
}
