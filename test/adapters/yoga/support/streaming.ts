import { expect, vi } from 'vitest';
import { requireSession } from '../../../../src/adapters/yoga/index.js';
import type { SessionContext } from '../../../../src/index.js';
import type { Data } from './app.js';

export const OUTAGE = () => {
  throw new Error('connection refused by db.internal');
};

/** Streams a response, and passes on its parts as they come. */
export async function stream(endpoint: string, query: string, headers: Record<string, string>) {
  const leave = new AbortController();
  const response = await fetch(endpoint, {
    method: 'POST',
    body: JSON.stringify({ query }),
    headers: { 'content-type': 'application/json', ...headers },
    signal: leave.signal,
  });
  let text = '';
  const reading = (async () => {
    const reader = response.body?.getReader();
    const decoder = new TextDecoder();
    for (let chunk = await reader?.read(); chunk?.value; chunk = await reader?.read())
      text += decoder.decode(chunk.value, { stream: true });
  })().catch(() => undefined);
  const parts = (): Part[] =>
    [...text.matchAll(/^(?:data: )?(\{.*\})/gm)].map(([, json]): Part => JSON.parse(json ?? ''));
  const until = (count: number) => vi.waitFor(() => expect(parts().length).toBeGreaterThanOrEqual(count)).then(parts);
  return { response, until, leave: () => leave.abort(), all: () => reading.then(parts) };
}

export interface Part {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
  readonly incremental?: readonly Part[];
  readonly hasNext?: boolean;
}

export const MULTIPART = { accept: 'multipart/mixed' };
export const SSE = { accept: 'text/event-stream' };

export function darken(ctx: SessionContext<Data>): string {
  requireSession(ctx).data.theme = 'dark';
  return 'done';
}
