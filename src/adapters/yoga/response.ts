import type { RequestHandle } from '../../core/session/request-sessions.js';
import { field, isObject, socketOf } from './request.js';

/** Puts what the library has for the response on it. From now on nothing can be written: the head of a stream is sent before its resolvers run. */
export function sendHeaders<Data, Input>(handle: RequestHandle<Data, Input>, response: Headers, serverContext: unknown): void {
  const sent = cookiesOf(field(serverContext, 'res'));
  for (const [name, value] of handle.responseHeaders) {
    if (name !== 'set-cookie') response.set(name, value);
    // Those that middleware has put on Node's own response are there already, beside the application's.
    else if (!sent.includes(value)) response.append(name, value);
  }
  handle.sealResponse();
}

function cookiesOf(response: unknown): readonly unknown[] {
  const getHeader = field(response, 'getHeader');
  const cookies: unknown = typeof getHeader === 'function' ? getHeader.call(response, 'set-cookie') : undefined;
  return Array.isArray(cookies) ? cookies : [cookies];
}

const closing = new WeakSet<object>();

/** Lets go of the session's signal when the WebSocket is closed, where the socket can tell. */
export function closeWithSocket<Data, Input>(handle: RequestHandle<Data, Input>, context: unknown): void {
  const socket = socketOf(context);
  const listen = field(socket, 'addEventListener');
  if (!isObject(socket) || typeof listen !== 'function' || closing.has(handle)) return;
  closing.add(handle);
  listen.call(socket, 'close', () => handle.close());
}
