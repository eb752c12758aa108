import type { FetchInit } from './types.js';

/** A `fetch`, as a method. The type of the platform's own allows no `undefined` in its options. */
export interface Sender {
  fetch(input: string | URL | Request, init?: FetchInit): Promise<Response>;
}

export function isRequest(input: string | URL | Request): input is Request {
  return 'clone' in Object(input);
}

/** Whether a body can be sent only once. */
export function isStream(body: unknown): boolean {
  const stream = Object(body);
  return 'getReader' in stream || Symbol.asyncIterator in stream;
}
