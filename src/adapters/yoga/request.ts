import type { HeadersLike } from '../../http/header-reader.js';
import { field, isNodeResponse, isObject, isWebSocket, text } from '../../http/hosts.js';
import type { IncomingRequest } from '../../http/request.js';

/** Something that has a request's headers: a Fetch request, or a server's own. */
interface Carrier {
  readonly headers: HeadersLike;
  readonly method?: unknown;
  readonly url?: unknown;
}

/** Node's request behind one of Fetch's, for hooks that only get the latter. */
const nodeRequests = new WeakMap<object, Carrier>();
/** The Fetch request that Yoga made of a Node request: one that only travels with it is another. */
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

/** The request, when Yoga serves it over HTTP and sends its response. {@link noteNodeRequest} comes before. */
export function yogaRequest(request: object): IncomingRequest {
  const node = nodeRequests.get(request);
  const fetch = carrierOf(request);
  // Where Yoga runs behind Node, middleware may have opened the same request already.
  return { ...describe(fetch ?? node), key: node ?? keyOf(fetch), target: { kind: 'collect' } };
}

/** The request, or the WebSocket, that yields this context on any other server. */
export function foreignRequest(context: unknown): IncomingRequest {
  const extra = field(context, 'extra');
  const carrier = [field(context, 'req'), field(context, 'request'), field(extra, 'request'), field(extra, 'persistedRequest')]
    .map(carrierOf)
    .find((each) => each !== undefined);
  const socket = socketOf(context);
  if (!socket && !isSocketContext(context)) {
    const response = field(context, 'res');
    const target = isNodeResponse(response) ? ({ kind: 'node', response } as const) : ({ kind: 'collect' } as const);
    return { ...describe(carrier), key: keyOf(carrier), target };
  }
  const key = socket ?? (isObject(extra) ? extra : carrier);
  return { ...describe(carrier), key, connectionParams: parametersOf(context), persistent: true, target: { kind: 'none' } };
}

/** Whether the context holds a request at all. */
export function hasRequest(context: unknown): boolean {
  return ['req', 'request', 'extra', 'socket', 'connectionParams'].some((name) => field(context, name) !== undefined);
}

/** The WebSocket of a graphql-ws context, as the servers that it runs on hand it in. */
function socketOf(context: unknown): object | undefined {
  return [field(field(context, 'extra'), 'socket'), field(context, 'socket')].find(isWebSocket);
}

function isSocketContext(context: unknown): boolean {
  return isObject(context) && 'connectionParams' in context;
}

function parametersOf(context: unknown): Readonly<Record<string, unknown>> | undefined {
  const parameters = field(context, 'connectionParams');
  return isObject(parameters) ? Object.fromEntries(Object.entries(parameters)) : undefined;
}

function describe(carrier: Carrier | undefined): Pick<IncomingRequest, 'headers' | 'details'> {
  if (!carrier) return { headers: {} };
  return { headers: carrier.headers, details: { method: text(field(carrier, 'method')), url: text(field(carrier, 'url')) } };
}

/** A Fetch request by its headers, which proxies of it share. */
function keyOf(carrier: Carrier | undefined): object | undefined {
  return carrier && typeof field(carrier.headers, 'getSetCookie') === 'function' ? carrier.headers : carrier;
}

/** A sub-request that carries another request's server context has a path, a method or a host of its own. */
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

/** The request, or the one that frameworks and graphql-sse have wrapped. */
function carrierOf(value: unknown): Carrier | undefined {
  return [field(value, 'raw'), value].find(isCarrier);
}

function isCarrier(value: unknown): value is Carrier {
  const headers = field(value, 'headers');
  // graphql-sse has headers of its own, which can only be asked for one by one.
  return isObject(headers) && (typeof field(headers, 'get') === 'function') === (typeof field(headers, 'has') === 'function');
}
