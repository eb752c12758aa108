import { createServer } from 'node:http';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import { memoryStore } from 'token-sessions';
import { WebSocketServer } from 'ws';
import { graphqlApp } from './graphql.js';
import { serveGraphqlSockets } from './graphql-sockets.js';
import { NewsDesk } from './news.js';
import { Observer } from './observer.js';
import { buildPage } from './page.js';
import { openSessions } from './sessions.js';
import { trpcApp } from './trpc.js';

export interface Playground {
  /** Such as `http://localhost:4000`. */
  readonly url: string;
  close(): Promise<void>;
}

interface PlaygroundOptions {
  /** 0 takes a free one. */
  readonly port: number;
  readonly now?: () => number;
  /** The page, where it has been built before. */
  readonly page?: Awaited<ReturnType<typeof buildPage>>;
}

/** The page, tRPC at `/trpc`, GraphQL at `/graphql`, and what shows the server's inside. */
export async function startPlayground({ port, now = Date.now, ...options }: PlaygroundOptions): Promise<Playground> {
  const observer = new Observer(memoryStore({ now }));
  const sessions = openSessions(observer.store, now);
  observer.watch(sessions);
  const news = new NewsDesk(sessions);

  const app = trpcApp(sessions, news);
  const trpc = createHTTPHandler({ ...app, basePath: '/trpc/' });
  const graphql = graphqlApp(sessions, news);
  const page = options.page ?? (await buildPage());
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0] ?? '/';
    if (path.startsWith('/trpc/')) trpc(request, response);
    else if (path === '/graphql') void graphql(request, response);
    else page(path, response);
  });

  const sockets = {
    '/trpc': new WebSocketServer({ noServer: true }),
    '/graphql': new WebSocketServer({ noServer: true }),
    '/observer': new WebSocketServer({ noServer: true }),
  };
  applyWSSHandler({ ...app, wss: sockets['/trpc'] });
  serveGraphqlSockets(sockets['/graphql'], graphql.getEnveloped);
  sockets['/observer'].on('connection', (socket) => {
    socket.on('message', (message) => observer.setAway(String(message) === 'away'));
    void observer.join(socket);
  });
  server.on('upgrade', (request, socket, head) => {
    const found = Object.entries(sockets).find(([path]) => path === request.url?.split('?')[0]);
    // Any page may open a socket to this machine: only our own may use it.
    if (!found || request.headers.origin !== `http://${request.headers.host}`) socket.destroy();
    else found[1].handleUpgrade(request, socket, head, (webSocket) => found[1].emit('connection', webSocket, request));
  });

  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, 'localhost', resolve));
  const address = server.address();
  return {
    url: `http://localhost:${typeof address === 'object' && address ? address.port : port}`,
    async close() {
      news.close();
      for (const each of Object.values(sockets)) for (const socket of each.clients) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await sessions.close();
    },
  };
}
