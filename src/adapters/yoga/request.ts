import type { HeadersLike } from '../../http/header-reader.js';
import type { NodeResponse } from '../../http/response-head.js';
import type { IncomingRequest } from '../../http/sessions.js';

/** Something that has a request's headers: a Fetch request, or a server's own. */
interface Carrier {
  readonly headers: HeadersLike;
  readonly method?: unknown;
  readonly url?: unknown;
}

/** Node's request behind one of Fetch's, for those who are only given the latter. */
const nodeRequests = new WeakMap<object, unknown>();

export function noteNodeRequest(request: object, serverContext: unknown): void {
  nodeRequests.set(request, field(serverContext, 'req'));
}

/** The request, when Yoga serves it over HTTP and sends its response. {@link noteNodeRequest} comes before. */
export function yogaRequest(request: object): IncomingRequest {
  const node = carrierOf(nodeRequests.get(request));
  const fetch = carrierOf(request);
  // Where Yoga runs behind Node, middleware may have opened the same request already.
  return { ...describe(fetch ?? node), key: node ?? fetch, target: { kind: 'collect' } };
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
    return { ...describe(carrier), key: carrier, target: isNodeResponse(response) ? { kind: 'node', response } : { kind: 'collect' } };
  }
  const key = socket ?? (isObject(extra) ? extra : carrier);
  return { ...describe(carrier), key, connectionParams: parametersOf(context), persistent: true, target: { kind: 'none' } };
}

/** The WebSocket of a graphql-ws context, as the servers that it runs on hand it in. */
export function socketOf(context: unknown): object | undefined {
  return [field(field(context, 'extra'), 'socket'), field(context, 'socket')].find(isWebSocket);
}

/** Whether the context tells of a request at all. */
export function hasRequest(context: unknown): boolean {
  return ['req', 'request', 'extra', 'socket', 'connectionParams'].some((name) => field(context, name) !== undefined);
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
  const { headers, method, url } = carrier;
  return { headers, details: { method: text(method), url: text(url) } };
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

function isWebSocket(value: unknown): value is object {
  // A plain socket, as Koa has it on its contexts, cannot send.
  return isObject(value) && typeof field(value, 'send') === 'function' && typeof field(value, 'close') === 'function';
}

function isNodeResponse(value: unknown): value is NodeResponse {
  const isFunction = (name: string): boolean => typeof field(value, name) === 'function';
  return isFunction('setHeader') && isFunction('getHeader') && typeof field(value, 'headersSent') === 'boolean';
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function field(value: unknown, name: PropertyKey): unknown {
  return isObject(value) ? Reflect.get(value, name) : undefined;
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
