import type { HeadersLike } from './header-reader.js';
import { field, isNodeResponse, isObject, isWebSocket, text } from './hosts.js';
import type { IncomingRequest } from './request.js';

/** Something that has a request's headers: a Fetch request, or a server's own. */
export interface Carrier {
  readonly headers: HeadersLike;
  readonly method?: unknown;
  readonly url?: unknown;
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

export function describe(carrier: Carrier | undefined): Pick<IncomingRequest, 'headers' | 'details'> {
  if (!carrier) return { headers: {} };
  return { headers: carrier.headers, details: { method: text(field(carrier, 'method')), url: text(field(carrier, 'url')) } };
}

/** A Fetch request by its headers, which proxies of it share. */
export function keyOf(carrier: Carrier | undefined): object | undefined {
  return carrier && typeof field(carrier.headers, 'getSetCookie') === 'function' ? carrier.headers : carrier;
}

/** The request, or the one that frameworks and graphql-sse have wrapped. */
export function carrierOf(value: unknown): Carrier | undefined {
  return [field(value, 'raw'), value].find(isCarrier);
}

function isCarrier(value: unknown): value is Carrier {
  const headers = field(value, 'headers');
  // graphql-sse has headers of its own, which can only be asked for one by one.
  return isObject(headers) && (typeof field(headers, 'get') === 'function') === (typeof field(headers, 'has') === 'function');
}
