import { putHeaders } from '../../http/put-headers.js';
import type { OpenedRequest } from '../../http/request.js';

/**
 * Puts the library's headers on the response. After that nothing can be written, because the head
 * of a stream is sent before its resolvers run. A Node response that middleware opened gets the
 * headers itself. If another handler runs this one, that handler sends them.
 */
export function sendHeaders({ head, enclosing }: OpenedRequest, response: Headers): void {
  if (head.sendsItself || enclosing) return;
  head.settle();
  putHeaders(response, head.headers);
  head.seal();
}
