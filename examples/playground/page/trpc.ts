import { createTRPCClient, createWSClient, httpLink, splitLink, wsLink } from '@trpc/client';
import { type SessionClient, trpcSessionLink } from 'token-sessions/client';
import type { AppRouter } from '../server/trpc.js';
import type { Api } from './api.js';

/** The server over tRPC: calls over HTTP, subscriptions over a WebSocket. */
export function overTrpc(session: SessionClient): Api {
  const socket = createWSClient({
    url: '/trpc',
    connectionParams: session.connectionParams,
    lazy: { enabled: true, closeMs: 0 },
  });
  // It connects again, with the newest token.
  const stop = session.subscribe(() => socket.connection?.ws.close());

  const trpc = createTRPCClient<AppRouter>({
    links: [
      trpcSessionLink(session),
      splitLink({
        condition: ({ type }) => type === 'subscription',
        true: wsLink({ client: socket }),
        // One request for each call, so that twenty calls are twenty requests.
        false: httpLink({ url: '/trpc', fetch: session.fetch }),
      }),
    ],
  });

  return {
    login: (credentials) => trpc.login.mutate(credentials),
    me: () => trpc.me.query(),
    countUp: () => trpc.countUp.mutate(),
    devices: () => trpc.devices.query(),
    endDevice: (id) => trpc.endDevice.mutate(id),
    rotate: () => trpc.rotate.mutate(),
    confirm: (password) => trpc.confirm.mutate(password),
    recoveryCode: () => trpc.recoveryCode.query(),
    logout: () => trpc.logout.mutate(),
    logoutEverywhere: () => trpc.logoutEverywhere.mutate(),
    news: ({ onNews, onEnd }) =>
      trpc.news.subscribe(undefined, { onData: onNews, onError: onEnd, onComplete: onEnd }).unsubscribe,
    close() {
      stop();
      void socket.close();
    },
  };
}
