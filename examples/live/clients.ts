import {
  createTRPCClient,
  createWSClient,
  httpLink,
  httpSubscriptionLink,
  splitLink,
  TRPCClientError,
  wsLink,
} from '@trpc/client';
import { EventSource } from 'eventsource';
import { WebSocket } from 'ws';
import type { LiveRouter } from './instance.js';

// Node 20 has no WebSocket. The one of `ws` works like those of browsers.
if (!('WebSocket' in globalThis)) Reflect.set(globalThis, 'WebSocket', WebSocket);

export type LiveClient = ReturnType<typeof overSse>;

/**
 * A client over HTTP, with subscriptions over SSE. A browser's own EventSource cannot send
 * headers, and a token in the URL would appear in every access log. `eventsource` can send
 * headers.
 */
export function overSse(url: string, token: string | null) {
  const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  return createTRPCClient<LiveRouter>({
    links: [
      splitLink({
        condition: (operation) => operation.type === 'subscription',
        true: httpSubscriptionLink({
          url,
          EventSource,
          eventSourceOptions: {
            fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
          },
        }),
        false: httpLink({ url, headers }),
      }),
    ],
  });
}

/**
 * A client over a WebSocket. The token is in the first message, because browsers cannot send
 * headers here either.
 */
export function overWebSocket(url: string, token: string): { readonly client: LiveClient; close(): void } {
  const client = createWSClient({ url, connectionParams: { token } });
  return { client: createTRPCClient<LiveRouter>({ links: [wsLink({ client })] }), close: () => void client.close() };
}

/** Subscribes. Reports when the server has ended the subscription, and with which code. */
export async function follow(
  client: LiveClient,
): Promise<{ readonly ended: Promise<{ readonly code: string; readonly at: number }> }> {
  let subscribed = () => {};
  const started = new Promise<void>((resolve) => {
    subscribed = resolve;
  });
  const ended = new Promise<{ code: string; at: number }>((resolve) => {
    const end = (code: string) => {
      subscription.unsubscribe();
      resolve({ code, at: performance.now() });
    };
    const subscription = client.onEvent.subscribe(undefined, {
      onData: subscribed,
      onComplete: () => end('completed'),
      onError: (error) => end(error instanceof TRPCClientError ? String(error.data?.code) : String(error)),
    });
  });
  await started;
  return { ended };
}
