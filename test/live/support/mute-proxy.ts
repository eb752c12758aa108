import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';

/**
 * A proxy before a server. While muted, it drops what the server sends, and the connection stays
 * open.
 */
export interface MuteProxy {
  readonly port: number;
  muted: boolean;
  stop(): void;
}

export async function startMuteProxy(target: number): Promise<MuteProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = createConnection(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk) => proxy.muted || client.write(chunk));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const proxy: MuteProxy = {
    port: typeof address === 'object' && address ? address.port : 0,
    muted: false,
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
  return proxy;
}
