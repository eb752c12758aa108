import { type Carrier, carrierOf, describe, keyOf } from '../../http/foreign-request.js';
import { field, text } from '../../http/hosts.js';
import type { IncomingRequest } from '../../http/request.js';
import { privateSlot } from '../../http/slot.js';

/** The Node request behind a Fetch request, for hooks that get only the Fetch request. */
const nodeRequests = privateSlot<Carrier>();
/**
 * The Fetch request that Yoga made from a Node request. A second Fetch request with the same Node
 * request is a sub-request.
 */
const fetchRequests = privateSlot<object>();

/** Notes the Node request that a Fetch request was made from, if there is one. */
export function noteNodeRequest(request: object, serverContext: unknown): void {
  const node = carrierOf(field(serverContext, 'req'));
  if (!node || !isMadeOf(request, node)) return;
  const known = fetchRequests.get(node);
  if (known) return;
  fetchRequests.set(node, request);
  nodeRequests.set(request, node);
}

/** The request, if Yoga serves it over HTTP. {@link noteNodeRequest} must have been called. */
export function yogaRequest(request: object): IncomingRequest {
  const node = nodeRequests.get(request);
  const fetch = carrierOf(request);
  // If Yoga runs on Node, middleware may have opened the same request already.
  const { headers, details } = describe(fetch ?? node);
  return { key: node ?? keyOf(fetch), headers, details, target: { kind: 'collect' } };
}

/**
 * Whether Yoga made the Fetch request from this Node request. A sub-request can carry the server
 * context of another request. Its path, method or host then differs.
 */
function isMadeOf(request: object, node: Carrier): boolean {
  const [url, path] = [text(field(request, 'url')), text(field(node, 'originalUrl')) ?? text(field(node, 'url'))];
  if (url === undefined || path === undefined || !URL.canParse(url)) return false;
  const { pathname, search } = new URL(url);
  const fetchHost = field(request, 'headers');
  const host =
    fetchHost instanceof Object && 'get' in fetchHost && typeof fetchHost.get === 'function'
      ? fetchHost.get('host')
      : undefined;
  const isSameHost = !host || host === field(node.headers, 'host');
  return (
    isSameHost &&
    field(request, 'method') === field(node, 'method') &&
    decoded(path.replace(/#.*$/, '')) === decoded(pathname + search)
  );
}

/** Decodes the path, because servers escape more characters of a URL than clients must. */
function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}
