import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';
import type { SessionRequest } from '../../../../src/adapters/express/middleware.js';
import { createSessions, type SessionsOptions } from '../../../../src/index.js';
import { countingStore } from '../../../support/counting-store.js';

export interface Data {
  userId: string;
  views?: number;
}

declare global {
  namespace Express {
    interface Request extends SessionRequest<Data> {}
  }
}

const running: Server[] = [];

afterEach(async () => {
  for (const server of running.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

export async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  running.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function setUp(options: Partial<SessionsOptions<Data>> = {}) {
  const store = countingStore();
  const sessions = createSessions<Data>({ store, ...options });
  const views = async (token: string) => (await sessions.fromToken(token)).session?.data.views;
  const get = (url: string, token?: string) =>
    fetch(url, token ? { headers: { authorization: `Bearer ${token}` } } : {});
  return { store, sessions, views, get };
}
