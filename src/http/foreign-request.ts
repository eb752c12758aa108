import { type HeadersLike, headerReader } from './header-reader.js';
import { field, isNodeResponse, isObject, isOfSocket, isWebSocket, text } from './hosts.js';
import type { IncomingRequest } from './request.js';

/** An object with a request's headers: a Fetch request, or a request of a server's own type. */
export interface Carrier {
  readonly headers: HeadersLike;
  readonly method?: unknown;
  readonly url?: unknown;
}

/** Finds the request, or the WebSocket, in the context of a server that has no adapter here. */
export function foreignRequest(context: unknown): IncomingRequest {
  const extra = field(context, 'extra');
  const carrier = [
    field(context, 'req'),
    field(context, 'request'),
    field(extra, 'request'),
    field(extra, 'persistedRequest'),
  ]
    .map(carrierOf)
    .find((each) => each !== undefined);
  const socket = socketOf(context);
  if (!socket && !isSocketContext(context) && !isSocketCarrier(carrier)) {
    const response = field(context, 'res');
    const target = isNodeResponse(response) ? ({ kind: 'node', response } as const) : ({ kind: 'collect' } as const);
    return { ...describe(carrier), key: keyOf(carrier), target };
  }
  const key = socket ?? (isObject(extra) ? extra : keyOf(carrier));
  return {
    ...describe(carrier),
    key,
    connectionParams: parametersOf(context),
    persistent: true,
    target: { kind: 'none' },
  };
}

/** Whether the context holds a request at all. */
export function hasRequest(context: unknown): boolean {
  return ['req', 'request', 'extra', 'socket', 'connectionParams'].some((name) => field(context, name) !== undefined);
}

/**
 * The WebSocket in a graphql-ws context. The servers that it runs on put it in different places.
 */
function socketOf(context: unknown): object | undefined {
  return [field(field(context, 'extra'), 'socket'), field(context, 'socket')].find(isWebSocket);
}

function isSocketContext(context: unknown): boolean {
  return isObject(context) && 'connectionParams' in context;
}

/** A context of `{ req }` for a socket shows only the request that it was upgraded from. */
function isSocketCarrier(carrier: Carrier | undefined): boolean {
  return carrier !== undefined && isOfSocket(carrier, headerReader(carrier.headers));
}

function parametersOf(context: unknown): Readonly<Record<string, unknown>> | undefined {
  const parameters = field(context, 'connectionParams');
  return isObject(parameters) ? Object.fromEntries(Object.entries(parameters)) : undefined;
}

export function describe(carrier: Carrier | undefined): Pick<IncomingRequest, 'headers' | 'details'> {
  if (!carrier) return { headers: {} };
  return {
    headers: carrier.headers,
    details: { method: text(field(carrier, 'method')), url: text(field(carrier, 'url')) },
  };
}

/** A Fetch request is known by its headers, because proxies of a request share them. */
export function keyOf(carrier: Carrier | undefined): object | undefined {
  return carrier && typeof field(carrier.headers, 'getSetCookie') === 'function' ? carrier.headers : carrier;
}

/** The request itself, or the request that a framework or graphql-sse has wrapped. */
export function carrierOf(value: unknown): Carrier | undefined {
  return [field(value, 'raw'), value].find(isCarrier);
}

function isCarrier(value: unknown): value is Carrier {
  const headers = field(value, 'headers');
  // The headers of graphql-sse have only `get`. They must not count.
  return (
    isObject(headers) &&
    (typeof field(headers, 'get') === 'function') === (typeof field(headers, 'has') === 'function')
  );
}
