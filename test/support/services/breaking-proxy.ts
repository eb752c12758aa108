import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';

/**
 * `'cut'`: the connection is reset in the middle of an answer. `'eaten'`: the server does the
 * work, and the connection is reset before the answer is passed on.
 */
export type Break = 'cut' | 'eaten';

/** Stands between clients and a server, and breaks connections. */
export interface BreakingProxy {
  readonly port: number;
  /** Breaks this many connections that next send a request with this text. Resolves when done. */
  breakAnswers(how: Break, text: string, times: number): Promise<void>;
  /** Cuts all connections. New ones reach another server. */
  turnTo(port: number): void;
  close(): Promise<void>;
}

/** The delay of answers in ms, so that the server has done the work. */
const HELD_BACK = 20;

export async function startBreakingProxy(target: { readonly port: number }): Promise<BreakingProxy> {
  const links = new Set<() => void>();
  let { port } = target;
  let trap: { readonly how: Break; readonly text: string; readonly sprung: () => void } | undefined;

  const listener = createServer((client) => {
    const server = createConnection(port, '127.0.0.1');
    const reset = () => {
      links.delete(reset);
      client.resetAndDestroy();
      server.destroy();
    };
    links.add(reset);
    for (const socket of [client, server]) socket.on('error', reset).on('close', reset);
    let broken: Break | undefined;
    client.on('data', (request) => {
      server.write(request);
      if (broken || !trap || !request.includes(trap.text)) return;
      const { how, sprung } = trap;
      broken = how;
      trap = undefined;
      if (how === 'eaten') setTimeout(reset, HELD_BACK);
      client.once('close', sprung);
    });
    server.on('data', (answer) => {
      if (!broken) client.write(answer);
      else if (broken === 'cut') cutOff(client, answer, reset);
      // Send nothing more, because later bytes would make another answer.
      if (broken) broken = 'eaten';
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    async breakAnswers(how, text, times) {
      for (let time = 0; time < times; time += 1) {
        await new Promise<void>((sprung) => {
          trap = { how, text, sprung };
        });
      }
    },
    turnTo(other) {
      port = other;
      for (const reset of links) reset();
    },
    async close() {
      const closed = once(listener.close(), 'close');
      for (const reset of links) reset();
      await closed;
    },
  };
}

function cutOff(client: Socket, answer: Buffer, reset: () => void): void {
  client.write(answer.subarray(0, Math.ceil(answer.length / 2)), () => setImmediate(reset));
}
