import { type Carrier, carrierOf, describe, keyOf } from '../../http/foreign-request.js';
import { field, text } from '../../http/hosts.js';
import type { IncomingRequest } from '../../http/request.js';

/** The Node request behind a Fetch request, for hooks that only get the latter. */
const nodeRequests = new WeakMap<object, Carrier>();
/**
 * The Fetch request that Yoga made of a Node request: one that only travels with it is another.
 */
const fetchRequests = new WeakMap<object, object>();

/** Notes the Node request that a Fetch request was made of, if it was. */
export function noteNodeRequest(request: object, serverContext: unknown): void {
  const node = carrierOf(field(serverContext, 'req'));
  if (!node || !isMadeOf(request, node)) return;
  const known = fetchRequests.get(node);
  if (known && known !== request) return;
  fetchRequests.set(node, request);
  nodeRequests.set(request, node);
}

/** The request, if Yoga serves it over HTTP. {@link noteNodeRequest} must have been called. */
export function yogaRequest(request: object): IncomingRequest {
  const node = nodeRequests.get(request);
  const fetch = carrierOf(request);
  // Where Yoga runs behind Node, middleware may have opened the same request already.
  return { ...describe(fetch ?? node), key: node ?? keyOf(fetch), target: { kind: 'collect' } };
}

/**
 * A sub-request that carries another request's server context has a path, a method or a host of
 * its own.
 */
function isMadeOf(request: object, node: Carrier): boolean {
  const [url, path] = [text(field(request, 'url')), text(field(node, 'originalUrl')) ?? text(field(node, 'url'))];
  if (url === undefined || path === undefined || !URL.canParse(url)) return false;
  const { pathname, search } = new URL(url);
  const fetchHost = field(request, 'headers');
  const host = fetchHost instanceof Object && 'get' in fetchHost && typeof fetchHost.get === 'function' ? fetchHost.get('host') : undefined;
  const isSameHost = !host || host === field(node.headers, 'host');
  return (
    isSameHost && field(request, 'method') === field(node, 'method') && decoded(path.replace(/#.*$/, '')) === decoded(pathname + search)
  );
}

/** Servers escape more of a URL than clients must. */
function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}
