import { initTRPC } from '@trpc/server';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { trpcSessions } from '../../dist/adapters/trpc/index.js';
import { createSessions } from '../../dist/index.js';
import { ownCpu } from '../run/measure.ts';

/**
 * Serves `plain` or `ours`. The first message to the parent is the port. After that, it answers
 * each message with the CPU time so far, in µs.
 */
const [server, calls] = process.argv.slice(2);

/** How many calls are open on a socket before the first is answered. */
const CALLS = Number(calls);

let opened = 0;
let answerAll: () => void = () => undefined;
let answered = new Promise<void>(() => undefined);

/** Waits until all calls of the socket are open. */
async function waitForAll(): Promise<string> {
  if (opened === 0) {
    answered = new Promise((resolve) => {
      answerAll = resolve;
    });
  }
  opened += 1;
  if (opened === CALLS) {
    opened = 0;
    answerAll();
  }
  await answered;
  return 'done';
}

function plain(): WebSocketServer {
  const t = initTRPC.create();
  const router = t.router({ wait: t.procedure.query(waitForAll) });
  const wss = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  applyWSSHandler({ wss, router });
  return wss;
}

function ours(): WebSocketServer {
  const { createContext, withSession } = trpcSessions(createSessions());
  const t = initTRPC.context<typeof createContext>().create();
  const router = t.router({ wait: t.procedure.concat(withSession).query(waitForAll) });
  const wss = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  applyWSSHandler({ wss, router, createContext });
  return wss;
}

async function portOf(wss: WebSocketServer): Promise<number> {
  await new Promise((resolve) => wss.once('listening', resolve));
  wss.on('connection', (socket: WebSocket) => socket.setMaxListeners(0));
  const address = wss.address();
  return typeof address === 'object' && address ? address.port : 0;
}

process.on('message', () => process.send?.(ownCpu()));
process.on('disconnect', () => process.exit());
process.send?.(await portOf(server === 'ours' ? ours() : plain()));
