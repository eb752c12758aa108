import { TRPCError } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { WebSocket } from 'ws';
import type { LiveApp } from './app.js';
import type { Body } from './types.js';

/** An open subscription, as its consumer sees it. */
export interface Subscription {
  /** Settles with the first value, or with `false` at the end. */
  readonly opened: Promise<boolean>;
  /** The end that the consumer received: tRPC's code, or `'complete'`. */
  readonly ended: Promise<string>;
  /** Disconnects the consumer. */
  leave(): Promise<void>;
}

const PATHS = {
  'waits for ever': 'live',
  'waits for its client to go': 'polite',
  'yields all the time': 'flood',
  'without a session': 'bare',
} as const;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/**
 * In this process, without any transport. A consumer that does not `read` asks only for the first
 * value.
 */
export function overIterable(
  { router, createContext }: LiveApp,
  token: string,
  body: Body,
  read: boolean,
): Subscription {
  const abort = new AbortController();
  const caller = router.createCaller(createContext({ headers: bearer(token) }), { signal: abort.signal });
  const { opened, open } = opening();
  let source: AsyncIterator<unknown> | undefined;
  const follow = async (): Promise<string> => {
    const iterable: AsyncIterable<unknown> = await caller[PATHS[body]]();
    source = iterable[Symbol.asyncIterator]();
    for (let step = await source.next(); !step.done; step = await source.next()) {
      open(true);
      if (!read) return new Promise(() => {});
    }
    return 'complete';
  };
  const ended = follow().catch((error: unknown) => (error instanceof TRPCError ? error.code : String(error)));
  void ended.then(() => open(false));
  const leave = async () => {
    abort.abort();
    await source?.return?.();
  };
  return { opened, ended, leave };
}

/**
 * Over tRPC's handler for fetch, in this process. A consumer that does not `read` leaves the
 * response's body alone after the first event.
 */
export function overSse(app: LiveApp, token: string, body: Body, read: boolean): Subscription {
  const { opened, open } = opening();
  const abort = new AbortController();
  const follow = async (): Promise<string> => {
    const headers = { ...bearer(token), accept: 'text/event-stream' };
    const req = new Request(`http://localhost/trpc/${PATHS[body]}`, { headers, signal: abort.signal });
    const response = await fetchRequestHandler({
      endpoint: '/trpc',
      req,
      router: app.router,
      createContext: app.createContext,
    });
    const reader = response.body?.getReader();
    const decoder = new TextDecoder();
    for (let step = await reader?.read(); step && !step.done; step = await reader?.read()) {
      const text = decoder.decode(step.value);
      const code = /"code":"([A-Z_]+)"/.exec(text)?.[1];
      if (code) return code;
      if (!text.includes('data: "')) continue;
      open(true);
      if (!read) return new Promise(() => {});
    }
    return 'complete';
  };
  const ended = follow().catch(String);
  void ended.then(() => open(false));
  return { opened, ended, leave: async () => abort.abort() };
}

/**
 * Over a separate connection. A consumer that does not `read` leaves the socket alone after the
 * first value.
 */
export function overWebSocket(url: string, token: string, body: Body, read: boolean): Subscription {
  const { opened, open } = opening();
  const socket = new WebSocket(`${url}?connectionParams=1`);
  const ended = new Promise<string>((resolve) => {
    socket.on('open', () => {
      socket.send(JSON.stringify({ method: 'connectionParams', data: { token } }));
      socket.send(JSON.stringify({ id: 1, method: 'subscription', params: { path: PATHS[body] } }));
    });
    socket.on('message', (message) => {
      const text = String(message);
      const code = /"code":"([A-Z_]+)"/.exec(text)?.[1];
      if (code) resolve(code);
      if (text.includes('"stopped"')) resolve('complete');
      if (!text.includes('"type":"data"')) return;
      open(true);
      if (!read) socket.pause();
    });
    socket.on('error', (error) => resolve(error.message));
    socket.on('close', () => resolve('closed'));
  });
  void ended.then(() => open(false));
  const leave = () =>
    new Promise<void>((resolve) => {
      if (socket.readyState === WebSocket.CLOSED) return resolve();
      socket.once('close', () => resolve());
      socket.terminate();
    });
  return { opened, ended, leave };
}

function opening(): { readonly opened: Promise<boolean>; readonly open: (answer: boolean) => void } {
  let open = (_answer: boolean): void => undefined;
  const opened = new Promise<boolean>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
