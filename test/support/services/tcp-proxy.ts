import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';

/** Stands between a client and a server, and loses answers. */
export interface TcpProxy {
  readonly port: number;
  /**
   * The answer to the next request with this text is not passed on: the server has done what it was asked for when the connection
   * breaks. `between` runs before the client can connect again.
   */
  loseAnswer(text: string, between?: () => Promise<unknown>): void;
  /** Answers that were lost. */
  readonly lost: number;
  close(): Promise<void>;
}

/** Starts a proxy on a free port of this machine. */
export async function startTcpProxy(target: { readonly port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let trap: { readonly text: string; readonly between: (() => Promise<unknown>) | undefined } | undefined;
  let lost = 0;
  let open: Promise<unknown> = Promise.resolve();

  const connect = (client: Socket) => {
    const server = createConnection(target.port, '127.0.0.1');
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    let caught = false;
    client.on('data', (request) => {
      if (trap && request.includes(trap.text)) {
        const { between } = trap;
        trap = undefined;
        caught = true;
        server.once('data', () => {
          lost += 1;
          open = between?.() ?? open;
          client.destroy();
        });
      }
      server.write(request);
    });
    server.on('data', (answer) => {
      if (!caught) client.write(answer);
    });
  };
  const listener = createServer((client) => {
    client.on('error', () => undefined);
    void open.then(() => connect(client));
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    loseAnswer(text, between) {
      trap = { text, between };
    },
    get lost() {
      return lost;
    },
    async close() {
      listener.close();
      for (const socket of sockets) socket.destroy();
      await once(listener, 'close');
    },
  };
}
