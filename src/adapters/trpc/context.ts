import { SessionError } from '../../core/error.js';
import { RequestHandle } from '../../core/request-sessions.js';
import type { RequestSessions } from '../../core/types.js';
import { type HeadersLike, headerReader } from '../../http/header-reader.js';
import type { NodeResponse, ResponseTarget } from '../../http/response-head.js';
import { type IncomingRequest, OPEN_REQUEST, type Sessions } from '../../http/sessions.js';
import { sessionFailure } from './errors.js';

/** What the library puts on a tRPC context; `withSession` and `requireSession` add `session`. */
export interface SessionsContext<Data, Input = Data> {
  readonly sessions: RequestSessions<Data, Input>;
}

/** As much of tRPC's `info` as is needed here. */
interface RequestInfo {
  readonly accept?: string | null | undefined;
  readonly type?: string | undefined;
  readonly isBatchCall?: boolean | undefined;
  readonly calls?: readonly { readonly getRawInput: () => Promise<unknown> }[] | undefined;
  readonly connectionParams?: Readonly<Record<string, string | undefined>> | null | undefined;
}

/** The options that tRPC's adapters give to `createContext`, whichever it is, or just `{ headers }`. Pass them on whole. */
export type ContextOptions =
  /** Fetch; Node, Express, Fastify, Next; WebSocket */
  | {
      readonly req: { readonly headers: HeadersLike; readonly raw?: unknown };
      readonly res?: object | undefined;
      readonly resHeaders?: Headers | undefined;
      readonly info?: RequestInfo | undefined;
    }
  /** AWS Lambda */
  | { readonly event: { readonly headers?: HeadersLike | null | undefined }; readonly info?: RequestInfo | undefined }
  | { readonly headers: HeadersLike; readonly info?: RequestInfo | undefined };

/** What is known of the request that a handle stands for, besides what the handle itself does. */
export interface RequestFacts {
  /** How long a call's change waits for the other calls of its batch, in ms, so that all of them make one write. */
  readonly holdMs: number;
  /** What tells the calls that the client made from those of `createCaller`; unknown where there was no `info`. */
  readonly calls: WeakSet<object> | undefined;
  /** How what is on `responseHeaders` gets to the client. */
  readonly delivery: 'node' | 'resHeaders' | 'collected';
}

const UNKNOWN: RequestFacts = { holdMs: 0, calls: undefined, delivery: 'collected' };

/** The factory of contexts, and what it has learned about each of them. */
export class Contexts<Data, Input> {
  readonly #sessions: Sessions<Data, Input>;
  readonly #facts = new WeakMap<object, RequestFacts>();

  constructor(sessions: Sessions<Data, Input>) {
    this.#sessions = sessions;
  }

  create(options: ContextOptions): SessionsContext<Data, Input> {
    const request = incomingRequest(options);
    const handle = this.#sessions[OPEN_REQUEST](request);
    // An Express middleware may have opened the request before, without knowing what is called.
    if (options.info || !this.#facts.has(handle)) this.#facts.set(handle, requestFacts(options, request.target, handle));
    if (!request.persistent && acceptsStream(options, request.headers)) sealStream(handle, options.info?.type, request.target);
    return { sessions: handle };
  }

  factsOf(handle: RequestHandle<Data, Input>): RequestFacts {
    return this.#facts.get(handle) ?? UNKNOWN;
  }
}

/** The handle behind `ctx.sessions`. @throws `INTERNAL_SERVER_ERROR` for something else, such as a mock */
export function handleOf<Data, Input>(context: SessionsContext<Data, Input>): RequestHandle<Data, Input> {
  if (isHandle(context.sessions)) return context.sessions;
  throw sessionFailure(
    new SessionError('NOT_SUPPORTED', 'ctx.sessions has to be what createContext returned: keep it on the context as it is'),
  );
}

export function isHandle<Data, Input>(sessions: RequestSessions<Data, Input> | undefined): sessions is RequestHandle<Data, Input> {
  return sessions instanceof RequestHandle;
}

/**
 * The head of a streamed response is on its way before its calls have run: what they write to it would be lost. One that may
 * carry a token in its body is not to be cached, and that has to be said now.
 */
export function sealStream<Data, Input>(handle: RequestHandle<Data, Input>, type: string | undefined, target?: ResponseTarget): void {
  if (type === 'mutation') {
    handle.responseHeaders.set('cache-control', 'no-store');
    if (target?.kind === 'node' && !target.response.headersSent) target.response.setHeader('cache-control', 'no-store');
  }
  handle.sealResponse();
}

function requestFacts<Data, Input>(options: ContextOptions, target: ResponseTarget, handle: RequestHandle<Data, Input>): RequestFacts {
  const { info } = options;
  const batch = info?.isBatchCall === true && (info.calls?.length ?? 0) > 1;
  // The results of a streamed batch do not wait for slow neighbours; those of another one do anyway.
  const holdMs = !batch ? 0 : info.accept === 'application/jsonl' ? 1 : 1_000;
  return { holdMs, calls: info?.calls && new WeakSet(info.calls.map((call) => call.getRawInput)), delivery: deliveryOf(target, handle) };
}

function deliveryOf<Data, Input>(target: ResponseTarget, handle: RequestHandle<Data, Input>): RequestFacts['delivery'] {
  if (target.kind === 'node') return 'node';
  // Another adapter may have opened the request before, with headers of its own.
  return target.kind === 'collect' && target.headers === handle.responseHeaders ? 'resHeaders' : 'collected';
}

function incomingRequest(options: ContextOptions): IncomingRequest {
  // Headers alone are no request: the same object may serve many of them, in tests as in servers.
  if ('headers' in options) return { key: undefined, headers: options.headers, target: { kind: 'collect' } };
  if ('event' in options) return { key: undefined, headers: options.event.headers ?? {}, target: { kind: 'collect' } };
  const { req, res, resHeaders, info } = options;
  const key = isObject(req.raw) ? req.raw : req;
  if (isWebSocket(res)) {
    return { key, headers: req.headers, connectionParams: info?.connectionParams, persistent: true, target: { kind: 'none' } };
  }
  // Elsewhere connection parameters come in the URL, where a token is not to be.
  return { key, headers: req.headers, target: responseTarget(res, resHeaders) };
}

function responseTarget(res: object | undefined, resHeaders: Headers | undefined): ResponseTarget {
  // Fastify's reply wraps the response, and sends the headers of both.
  const response = [res, res && Reflect.get(res, 'raw')].find(isNodeResponse);
  if (response) return { kind: 'node', response };
  return resHeaders ? { kind: 'collect', headers: resHeaders } : { kind: 'collect' };
}

function acceptsStream({ info }: ContextOptions, headers: HeadersLike): boolean {
  if (info) return info.accept === 'application/jsonl';
  const header = headerReader(headers);
  return (header('trpc-accept') ?? header('accept') ?? '').split(',').some((type) => type.trim() === 'application/jsonl');
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
