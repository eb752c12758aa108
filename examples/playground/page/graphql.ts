import { createClient } from 'graphql-ws';
import type { SessionClient } from 'token-sessions/client';
import type { Api, DeviceOfUser, NewsListener, User } from './api.js';

interface Answer<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly { readonly message: string }[];
}

/**
 * The server over GraphQL, with plain `fetch`. Subscriptions go over graphql-ws. All is
 * in one function: it is the list of the operations.
 */
export function overGraphql(session: SessionClient): Api {
  async function run<Data>(query: string, variables: object = {}): Promise<Data> {
    const response = await session.fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors }: Answer<Data> = await response.json();
    if (!data || errors) throw new Error(errors?.[0]?.message ?? 'no data', { cause: { errors } });
    return data;
  }

  const url = new URL('/graphql', location.href.replace(/^http/, 'ws')).href;
  const socket = createClient({
    url,
    connectionParams: session.connectionParams,
    shouldRetry: () => true,
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: (retries) => new Promise((resolve) => setTimeout(resolve, Math.min(retries * 500, 5_000))),
  });
  // It connects again, with the newest token.
  const stop = session.subscribe(() => socket.terminate());

  function news({ onNews, onEnd }: NewsListener): () => void {
    let sent: string | null = null;
    void session.token().then((token) => {
      sent = token;
    });
    return socket.subscribe<{ news: { type: string; count: number | null } }>(
      { query: 'subscription { news { type count } }' },
      {
        next({ data, errors }) {
          if (data) onNews(data.news);
          // Lets the session's client know that the server has refused the token.
          else void session.recover({ errors }, sent);
        },
        error: onEnd,
        complete: onEnd,
      },
    );
  }

  return {
    login: (credentials) =>
      run(
        'mutation ($name: String!, $password: String!, $device: String!) { login(name: $name, password: $password, device: $device) }',
        credentials,
      ),
    me: async () => (await run<{ me: User }>('{ me { userId count } }')).me,
    countUp: async () => (await run<{ countUp: number }>('mutation { countUp }')).countUp,
    devices: async () =>
      (await run<{ devices: DeviceOfUser[] }>('{ devices { id device isCurrent createdAt } }')).devices,
    endDevice: (id) => run('mutation ($id: ID!) { endDevice(id: $id) }', { id }),
    rotate: () => run('mutation { rotate }'),
    confirm: (password) => run('mutation ($password: String!) { confirm(password: $password) }', { password }),
    recoveryCode: async () => (await run<{ recoveryCode: string }>('{ recoveryCode }')).recoveryCode,
    logout: () => run('mutation { logout }'),
    logoutEverywhere: () => run('mutation { logoutEverywhere }'),
    news,
    close() {
      stop();
      void socket.dispose();
    },
  };
}
