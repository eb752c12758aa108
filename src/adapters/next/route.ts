import type { SessionContext } from '../../core/types.js';
import { handleFetch, statusInNext } from '../../http/handle.js';
import type { Host } from '../../http/host.js';
import { field } from '../../http/hosts.js';
import { currentHeaders, writeRouteCookies } from './request.js';

/**
 * Serves a route handler. Next.js answers the errors that pass through, such as `redirect()`. Its
 * answer has the cookies that are set here.
 */
export async function handleRoute<Data, Input>(
  host: Host,
  request: unknown,
  handler: (context: SessionContext<Data, Input>) => Response | Promise<Response>,
): Promise<Response> {
  if (!isRequest(request)) throw new TypeError('route(handler) makes a route handler: Next.js passes it the request');
  return handleFetch(host, request, handler, {
    alias: await currentHeaders(),
    deliver: writeRouteCookies,
    statusOfThrown: statusInNext,
  });
}

function isRequest(value: unknown): value is Request {
  return typeof field(field(value, 'headers'), 'get') === 'function' && typeof field(value, 'url') === 'string';
}
