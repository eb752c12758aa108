import { type HeadersLike, headerReader } from '../../http/header-reader.js';
import type { NodeResponse, ResponseTarget } from '../../http/response-head.js';
import type { IncomingRequest } from '../../http/sessions.js';

/** As much of tRPC's `info` as is needed here. */
export interface RequestInfo {
  readonly accept?: string | null | undefined;
  readonly type?: string | undefined;
  readonly isBatchCall?: boolean | undefined;
  readonly calls?: readonly { readonly getRawInput: () => Promise<unknown> }[] | undefined;
  readonly connectionParams?: Readonly<Record<string, string | undefined>> | null | undefined;
}

/** Of either version of the payload. */
interface LambdaEvent {
  readonly headers?: Exclude<HeadersLike, Headers> | null | undefined;
  /** Version 2 has them here, and not among the headers. */
  readonly cookies?: readonly string[] | null | undefined;
  readonly requestContext?: object | undefined;
}

/** The options that tRPC's adapters give to `createContext`, whichever it is, or just `{ headers }`. Pass them on whole. */
export type ContextOptions =
  /** Fetch; Node, Express, Fastify, Next; WebSocket */
  | {
      readonly req: {
        readonly headers: HeadersLike;
        readonly method?: string | undefined;
        readonly url?: string | undefined;
        readonly raw?: unknown;
      };
      readonly res?: object | undefined;
      readonly resHeaders?: Headers | undefined;
      readonly info?: RequestInfo | undefined;
    }
  /** AWS Lambda */
  | { readonly event: LambdaEvent; readonly info?: RequestInfo | undefined }
  | { readonly headers: HeadersLike; readonly info?: RequestInfo | undefined };

/** The request behind the options, in the library's own terms. */
export function incomingRequest(options: ContextOptions): IncomingRequest {
  // Headers alone are no request: the same object may serve many of them, in tests as in servers.
  if ('headers' in options) return { key: undefined, headers: options.headers, target: { kind: 'collect' } };
  if ('event' in options) return lambdaRequest(options.event);
  const { req, res, resHeaders, info } = options;
  // The details are read when they are wanted: a Fetch request writes its URL anew each time.
  const request = { key: isObject(req.raw) ? req.raw : req, headers: req.headers, details: req };
  if (isWebSocket(res)) return { ...request, connectionParams: info?.connectionParams, persistent: true, target: { kind: 'none' } };
  // Elsewhere connection parameters come in the URL, where a token is not to be.
  return { ...request, target: responseTarget(res, resHeaders) };
}

/** Whether the client wants the results one by one: by `info`, or by the header that tRPC reads it from. */
export function acceptsStream({ info }: ContextOptions, headers: HeadersLike): boolean {
  if (info) return info.accept === 'application/jsonl';
  const header = headerReader(headers);
  return (header('trpc-accept') ?? header('accept') ?? '').split(',').some((type) => type.trim() === 'application/jsonl');
}

function lambdaRequest({ headers, cookies, requestContext = {} }: LambdaEvent): IncomingRequest {
  const http: unknown = Reflect.get(requestContext, 'http');
  const method: unknown = isObject(http) ? Reflect.get(http, 'method') : Reflect.get(requestContext, 'httpMethod');
  return {
    key: undefined,
    headers: { ...headers, ...(cookies && { cookie: cookies.join('; ') }) },
    details: { method: typeof method === 'string' ? method : undefined },
    target: { kind: 'collect' },
  };
}

function responseTarget(res: object | undefined, resHeaders: Headers | undefined): ResponseTarget {
  // Fastify's reply wraps the response, and sends the headers of both.
  const response = res && [res, Reflect.get(res, 'raw')].find(isNodeResponse);
  if (response) return { kind: 'node', response };
  return resHeaders ? { kind: 'collect', headers: resHeaders } : { kind: 'collect' };
}

function isWebSocket(res: object | undefined): boolean {
  return res !== undefined && 'readyState' in res && typeof Reflect.get(res, 'terminate') === 'function';
}

function isNodeResponse(value: unknown): value is NodeResponse {
  return (
    isObject(value) && 'headersSent' in value && ['setHeader', 'getHeader'].every((name) => typeof Reflect.get(value, name) === 'function')
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
