import { createTRPCClient, httpBatchLink, httpLink, TRPCClientError } from '@trpc/client';
import type { AppRouter } from './trpc.js';

type Fetch = typeof fetch;

/** A tRPC client with a token. With `batch`, the calls of one moment share one HTTP request. */
export function trpcClient(url: string, token: string | null, fetch: Fetch, { batch = false } = {}) {
  const options = {
    url: `${url}/trpc`,
    headers: authorization(token),
    fetch: (input: Parameters<Fetch>[0], init?: { signal?: AbortSignal | null | undefined }) =>
      fetch(input, { ...init, signal: init?.signal ?? null }),
  };
  return createTRPCClient<AppRouter>({ links: [batch ? httpBatchLink(options) : httpLink(options)] });
}

/** The code of the error of a failed tRPC call, or `null` if it succeeds. */
export async function codeOf(call: Promise<unknown>): Promise<string | null> {
  try {
    await call;
    return null;
  } catch (error) {
    if (error instanceof TRPCClientError) return String(error.data?.code ?? error.message);
    throw error;
  }
}

/** The answer of a GraphQL server, with the status of HTTP. */
export interface GraphqlAnswer {
  readonly status: number;
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

export async function graphql(url: string, token: string | null, fetch: Fetch, query: string): Promise<GraphqlAnswer> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization(token) },
    body: JSON.stringify({ query }),
  });
  return { status: response.status, ...JSON.parse(await response.text()) };
}

function authorization(token: string | null): Record<string, string> {
  return token === null ? {} : { authorization: `Bearer ${token}` };
}
