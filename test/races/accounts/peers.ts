import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answers, Message, Order } from './types.js';

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));

/** A separate process, with its own connection to each given store. */
export interface Peer {
  ask<Name extends Order['do']>(order: Extract<Order, { readonly do: Name }>): Promise<Answers[Name]>;
  /** Receives the tokens that the process gets while it plays. */
  onToken: (session: number, token: string) => void;
  stop(): Promise<void>;
}

/** The lead of the clocks of all processes over the system's, in ms. */
export interface Clock {
  ahead: number;
}

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

/** Four processes. The order `open` gives them a store. */
export function startPeers(): Peer[] {
  return Array.from({ length: 4 }, startPeer);
}

function startPeer(): Peer {
  const child = fork(WORKER, { execArgv: ['--import', 'tsx'], serialization: 'advanced' });
  const waiting = new Map<number, Waiting>();
  let last = 0;
  const peer: Peer = {
    ask: (order) =>
      new Promise((resolve, reject) => {
        last += 1;
        waiting.set(last, { resolve, reject });
        child.send({ number: last, order });
      }),
    onToken: () => undefined,
    async stop() {
      child.kill();
      await once(child, 'exit');
    },
  };
  child.on('message', (message: Message) => {
    if ('token' in message) peer.onToken(message.session, message.token);
    else settle(waiting, message);
  });
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('a worker has ended'));
  });
  return peer;
}

function settle(waiting: Map<number, Waiting>, message: Exclude<Message, { readonly token: string }>): void {
  const asked = waiting.get(message.number);
  waiting.delete(message.number);
  if ('error' in message) asked?.reject(new Error(`a worker failed: ${message.error}`));
  else asked?.resolve(message.result as never);
}
