import type { FetchInit } from './types.js';

/** A `fetch`, as a method: by type, the platform's own takes no `undefined` in its options. */
export interface Sender {
  fetch(input: string | URL | Request, init?: FetchInit): Promise<Response>;
}

export function isRequest(input: string | URL | Request): input is Request {
  return 'clone' in Object(input);
}

/** Whether a body is gone once it has been sent. */
export function isStream(body: unknown): boolean {
  const stream = Object(body);
  return 'getReader' in stream || Symbol.asyncIterator in stream;
}
