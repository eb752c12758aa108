import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';

/** A proxy between a client and servers that loses answers. */
export interface RedisProxy {
  /** One for each server. */
  readonly ports: readonly number[];
  /**
   * Drops the answer to the next request with this text: the server has done the work when the
   * connection breaks. `between` runs before the client can connect again.
   */
  loseAnswer(text: string, between?: () => Promise<unknown>): void;
  /** Answers that were lost. */
  readonly lost: number;
  close(): Promise<void>;
}

const MARK = 'answered';

/** Starts a proxy, on free ports of this machine. */
export async function startRedisProxy(targets: readonly { readonly port: number }[]): Promise<RedisProxy> {
  const sockets = new Set<Socket>();
  let trap: { readonly text: string; readonly between: (() => Promise<unknown>) | undefined } | undefined;
  let lost = 0;
  let open: Promise<unknown> = Promise.resolve();

  const connect = (client: Socket, port: number) => {
    const server = createConnection(port, '127.0.0.1');
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
    const lose = (between: (() => Promise<unknown>) | undefined) => {
      caught = true;
      let answers = '';
      server.on('data', (answer) => {
        answers += answer.toString('latin1');
        if (lost > 0 || !answers.includes(MARK)) return;
        lost += 1;
        open = between?.() ?? open;
        client.destroy();
      });
    };
    client.on('data', (request) => {
      const trapped = trap && request.includes(trap.text) ? trap : undefined;
      if (!trapped) return void server.write(request);
      trap = undefined;
      lose(trapped.between);
      // The answer to this comes after the answers to all earlier requests.
      server.write(Buffer.concat([request, Buffer.from(`*2\r\n$4\r\nECHO\r\n$${MARK.length}\r\n${MARK}\r\n`)]));
    });
    server.on('data', (answer) => {
      if (!caught) client.write(answer);
    });
  };
  const accept = (port: number) => listen((client) => void open.then(() => connect(client, port)));
  const listeners = await Promise.all(targets.map(({ port }) => accept(port)));
  return {
    ports: listeners.map(portOf),
    loseAnswer(text, between) {
      trap = { text, between };
    },
    get lost() {
      return lost;
    },
    async close() {
      const closed = listeners.map((listener) => once(listener.close(), 'close'));
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
    },
  };
}

async function listen(onClient: (client: Socket) => void): Promise<Server> {
  const listener = createServer((client) => onClient(client.on('error', () => undefined))).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return listener;
}

function portOf(listener: Server): number {
  const address = listener.address();
  return typeof address === 'object' && address ? address.port : 0;
}
