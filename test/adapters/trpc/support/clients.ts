import {
  createTRPCClient,
  createWSClient,
  httpBatchLink,
  httpBatchStreamLink,
  httpLink,
  httpSubscriptionLink,
  TRPCClientError,
  wsLink,
} from '@trpc/client';
import { EventSource } from 'eventsource';
import { WebSocket } from 'ws';
import type { AppRouter } from './app.js';
import type { TrpcHost } from './hosts.js';

// Node 20 has no global of its own, and the client looks for one.
if (!('WebSocket' in globalThis)) Reflect.set(globalThis, 'WebSocket', WebSocket);

export type LinkName = 'single' | 'batch' | 'stream' | 'subscription';

interface Target extends Pick<TrpcHost, 'url' | 'fetch'> {
  readonly headers?: Readonly<Record<string, string>>;
}

/** A client that sends these headers with each request. */
export function httpClient(link: LinkName, { url, fetch, headers = {} }: Target) {
  const options = { url, fetch, headers };
  const eventSourceOptions = {
    fetch: (input: string | URL, init: { headers: Record<string, string> }) =>
      fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
  };
  const links = {
    single: () => httpLink<AppRouter>(options),
    batch: () => httpBatchLink<AppRouter>(options),
    stream: () => httpBatchStreamLink<AppRouter>(options),
    subscription: () => httpSubscriptionLink<AppRouter, typeof EventSource>({ url, EventSource, eventSourceOptions }),
  };
  return createTRPCClient<AppRouter>({ links: [links[link]()] });
}

/** A client on a connection of its own. */
export function socketClient(url: string, connectionParams: Readonly<Record<string, string>> = {}) {
  const connection = createWSClient({ url, connectionParams: { ...connectionParams }, retryDelayMs: () => 60_000 });
  return {
    client: createTRPCClient<AppRouter>({ links: [wsLink<AppRouter>({ client: connection })] }),
    close: () => connection.close(),
  };
}

/**
 * The error that a client sees for a failed call: tRPC's code, or the error itself if it is not
 * tRPC's.
 */
export async function failure(call: Promise<unknown>): Promise<{ code: unknown; status: unknown; text: string }> {
  const error = await call.then(
    () => new Error('the call succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof TRPCClientError)) throw error;
  return {
    code: error.data?.code,
    status: error.data?.httpStatus,
    text: JSON.stringify([error.message, error.shape]),
  };
}

/** The values of a subscription until it ends; rejects with its error. */
export function collect(
  subscribe: (handlers: { onData(value: unknown): void; onError(error: unknown): void; onComplete(): void }) => {
    unsubscribe(): void;
  },
  onValue: (value: unknown, stop: () => void) => void = () => undefined,
): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const values: unknown[] = [];
    const finish = (settle: () => void) => {
      subscription.unsubscribe();
      settle();
    };
    const subscription = subscribe({
      onData: (value) => {
        values.push(value);
        onValue(value, () => finish(() => resolve(values)));
      },
      onError: (error) => finish(() => reject(error)),
      onComplete: () => finish(() => resolve(values)),
    });
  });
}
