import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { RotatingServer } from './rotating-server.js';

export interface SessionServer {
  readonly url: string;
  readonly rotations: () => number;
  close(): Promise<void>;
}

export interface SessionServerOptions {
  /** Numbers in [0, 1) that decide losses and delays. */
  random(): number;
  /** The session is in a cookie, not in headers. */
  readonly usesCookie?: boolean;
  readonly pages: ReadonlyMap<string, { readonly type: string; readonly text: string }>;
  readonly rotateEvery: number;
  readonly grace: number;
}

/**
 * A server over HTTP with a network that loses and delays what it can: login, logout, a question,
 * and an explicit rotation. It sends exactly what the library's server part sends.
 */
export async function startSessionServer(options: SessionServerOptions): Promise<SessionServer> {
  const { random, usesCookie = false, pages } = options;
  const sessions = new RotatingServer({ ...options, isPatient: usesCookie });
  let rotations = 0;

  const answer = (path: string, request: IncomingMessage, response: ServerResponse): string => {
    const token = usesCookie ? cookieOf(request) : bearerOf(request);
    const give = (value: string): string => {
      response.setHeader(usesCookie ? 'set-cookie' : 'session-token', usesCookie ? cookieFor(value) : value);
      return usesCookie ? '' : value;
    };
    if (path === '/login') return give(sessions.login(token));
    const visit = sessions.visit(token);
    if (!visit) return refuse(response, token);
    if (path === '/logout') {
      sessions.logout(token);
      return give('');
    }
    const rotated = path === '/rotate' ? sessions.rotate(token) : visit.rotated;
    if (rotated) rotations++;
    else if (path === '/rotate') response.statusCode = 409;
    return rotated ? give(rotated) : '';
  };

  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const page = pages.get(path);
    if (page) {
      response.setHeader('content-type', page.type);
      response.end(page.text);
      return;
    }
    const wait = () => new Promise((resolve) => setTimeout(resolve, random() * (random() < 0.1 ? 150 : 15)));
    response.setHeader('cache-control', 'no-store');
    response.setHeader('connection', 'close');
    await wait();
    if (random() < 0.02) return void request.socket.destroy();
    const text = answer(path, request, response);
    await wait();
    if (random() < 0.05) return void request.socket.destroy();
    response.end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    rotations: () => rotations,
    async close() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

function bearerOf(request: IncomingMessage): string | null {
  return /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? null;
}

function cookieOf(request: IncomingMessage): string | null {
  return /(?:^|; )sid=([^;]+)/.exec(request.headers.cookie ?? '')?.[1] ?? null;
}

function cookieFor(value: string): string {
  return `sid=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${value ? 3_600 : 0}`;
}

function refuse(response: ServerResponse, token: string | null): string {
  response.statusCode = 401;
  response.setHeader('www-authenticate', token ? 'Bearer error="invalid_token"' : 'Bearer');
  return '';
}
