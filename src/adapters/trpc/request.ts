import { type HeadersLike, headerReader } from '../../http/header-reader.js';
import {
  field,
  isNodeResponse,
  isObject,
  isOfSocket,
  isUpgrade,
  isWebSocketResponse,
  text,
} from '../../http/hosts.js';
import type { IncomingRequest } from '../../http/request.js';
import type { ResponseTarget } from '../../http/response-head.js';

/** The part of tRPC's `info` that the library needs. */
export interface RequestInfo {
  readonly accept?: string | null | undefined;
  readonly type?: string | undefined;
  readonly isBatchCall?: boolean | undefined;
  readonly calls?:
    | readonly { readonly getRawInput: () => Promise<unknown>; readonly path?: string | undefined }[]
    | undefined;
  readonly connectionParams?: Readonly<Record<string, string | undefined>> | null | undefined;
}

/** An event in either version of the payload. */
interface LambdaEvent {
  readonly headers?: Exclude<HeadersLike, Headers> | null | undefined;
  /** Version 2 has the cookies here, not among the headers. */
  readonly cookies?: readonly string[] | null | undefined;
  readonly requestContext?: object | undefined;
}

/**
 * The options that any of tRPC's adapters gives to `createContext`, or `{ headers }`. Pass them
 * whole.
 */
export type ContextOptions =
  /** Fetch; Node, Express, Fastify, Next; WebSocket */
  | {
      /** The request: Node's, a framework's, or a Fetch `Request`. */
      readonly req: {
        /** A Fetch `Headers`, or a record as in Node. */
        readonly headers: HeadersLike;
        /** Cookies need it to know which requests are safe. */
        readonly method?: string | undefined;
        /** The path, or the whole URL. Cookies need it to recognise your own origin. */
        readonly url?: string | undefined;
        /** The Node request behind Fastify's. */
        readonly raw?: unknown;
      };
      /** Node's response, Fastify's reply, or the socket of a WebSocket. */
      readonly res?: object | undefined;
      /** On Fetch: where headers of the response go. */
      readonly resHeaders?: Headers | undefined;
      /** tRPC's description of the calls: pass it on. */
      readonly info?: RequestInfo | undefined;
    }
  /** AWS Lambda */
  | { readonly event: LambdaEvent; readonly info?: RequestInfo | undefined }
  | { readonly headers: HeadersLike; readonly info?: RequestInfo | undefined };

/** The request in the options, in the library's own terms. */
export function incomingRequest(options: ContextOptions): IncomingRequest {
  if ('event' in options) return lambdaRequest(options.event);
  if (!('req' in options)) return headersAlone(options.headers);
  const { req, res, resHeaders, info } = options;
  const { headers } =
    'headers' in options && isObject(options.headers) ? { headers: options.headers as HeadersLike } : req;
  // The request itself: a Fetch request builds its URL at each read, so it is read only when
  // needed.
  const key = keyOf(req);
  if (isWebSocketResponse(res) || isOfSocket(key, headerReader(headers))) {
    const connectionParams = info?.connectionParams;
    return { key, headers, details: req, connectionParams, persistent: true, target: { kind: 'none' } };
  }
  // Elsewhere, connection parameters come in the URL, which must not contain a token.
  return { key, headers, details: req, target: responseTarget(res, resHeaders) };
}

/** Whether the client wants the results one by one, by `info` or by the header that tRPC reads. */
export function acceptsStream({ info }: ContextOptions, headers: HeadersLike): boolean {
  if (info) return info.accept === 'application/jsonl';
  const header = headerReader(headers);
  return (header('trpc-accept') ?? header('accept') ?? '')
    .split(',')
    .some((type) => type.trim() === 'application/jsonl');
}

/** Headers alone do not identify a request: one object may serve many, in tests and in servers. */
function headersAlone(headers: HeadersLike): IncomingRequest {
  const isSocket = isUpgrade(headerReader(headers));
  return { key: undefined, headers, persistent: isSocket, target: { kind: isSocket ? 'none' : 'collect' } };
}

/**
 * The object that stands for the request: the Node request, even if a framework wraps it. For a
 * Fetch request, its headers, because proxies share them.
 */
function keyOf(req: { readonly headers: HeadersLike; readonly raw?: unknown }): object {
  const raw = field(req, 'raw');
  if (isObject(raw)) return raw;
  return typeof field(req.headers, 'getSetCookie') === 'function' ? req.headers : req;
}

function lambdaRequest({ headers, cookies, requestContext }: LambdaEvent): IncomingRequest {
  const method = field(field(requestContext, 'http'), 'method') ?? field(requestContext, 'httpMethod');
  return {
    key: undefined,
    headers: { ...headers, ...(cookies && { cookie: cookies.join('; ') }) },
    details: { method: text(method) },
    target: { kind: 'collect' },
  };
}

function responseTarget(res: object | undefined, resHeaders: Headers | undefined): ResponseTarget {
  // Fastify's reply wraps the response, and has headers of its own.
  const response = res && [field(res, 'raw'), res].find(isNodeResponse);
  if (response) return { kind: 'node', response };
  return resHeaders ? { kind: 'collect', headers: resHeaders } : { kind: 'collect' };
}
