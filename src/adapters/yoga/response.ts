import type { OpenedRequest } from '../../http/request.js';

/**
 * Puts the library's headers on the response. From now on nothing can be written: the head of a
 * stream is sent before its resolvers run. A Node response that middleware opened gets them itself.
 */
export function sendHeaders({ head }: OpenedRequest, response: Headers): void {
  if (head.sendsItself) return;
  head.settle();
  for (const [name, value] of head.headers) setHeader(response, name, value);
  head.seal();
}

function setHeader(response: Headers, name: string, value: string): void {
  if (name === 'set-cookie') response.append(name, value);
  else response.set(name, value);
}
