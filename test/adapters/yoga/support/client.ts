import type { ExecutionResult } from 'graphql';

/** An answer over HTTP. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Anything that fetches: over the network, or a handler within the process. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response> | Response;

export async function post(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
  send: Fetch = fetch,
): Promise<HttpAnswer> {
  const init = {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  };
  const response = await send(url, init);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

export type Result = ExecutionResult<Record<string, unknown>>;

/** The result of an operation that was not in a batch. */
export function resultOf({ text }: HttpAnswer): Result {
  const result: Result = JSON.parse(text);
  return result;
}

export function codesOf({ errors = [] }: Result): unknown[] {
  return errors.map((error) => error.extensions?.['code']);
}
