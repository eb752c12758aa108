import type { NodeResponse } from '../../http/response-head.js';
import { type CallFacts, factsOf, isHandle, type SessionsContext, sealStream } from './context.js';

/** As much of what tRPC gives to `responseMeta` as is needed here. */
export interface ResponseMetaOptions<Data, Input = Data> {
  /** Absent where no context could be made. */
  readonly ctx?: SessionsContext<Data, Input> | null | undefined;
  readonly type: string;
  /** Whether the response is streamed: its head is sent before the calls have run. */
  readonly eagerGeneration: boolean;
}

/** What a `responseMeta` function returns. */
export interface ResponseMeta {
  status?: number;
  headers?: Headers | Record<string, string | string[] | undefined>;
}

/** The option `responseMeta` of tRPC's HTTP adapters. */
export interface ResponseMetaFunction<Data, Input = Data> {
  /** Wraps the application's own function, whose headers win over the library's, save that what carries a token is not cached. */
  <Options extends ResponseMetaOptions<Data, Input>>(own: (options: Options) => ResponseMeta): (options: Options) => ResponseMeta;
  (options: ResponseMetaOptions<Data, Input>): ResponseMeta;
}

export function responseMetaFunction<Data, Input>(): ResponseMetaFunction<Data, Input> {
  function complete(options: ResponseMetaOptions<Data, Input>, own: ResponseMeta): ResponseMeta {
    const handle = options.ctx?.sessions;
    if (!isHandle(handle)) return own;
    if (options.eagerGeneration) sealStream(handle, options.type);
    const headers = mergeHeaders(own.headers, handle.responseHeaders, factsOf(handle).writtenTo);
    return headers ? { ...own, headers } : own;
  }
  function responseMeta<Options extends ResponseMetaOptions<Data, Input>>(
    own: (options: Options) => ResponseMeta,
  ): (options: Options) => ResponseMeta;
  function responseMeta(options: ResponseMetaOptions<Data, Input>): ResponseMeta;
  function responseMeta<Options extends ResponseMetaOptions<Data, Input>>(first: Options | ((options: Options) => ResponseMeta)) {
    return typeof first === 'function' ? (options: Options) => complete(options, first(options)) : complete(first, {});
  }
  return responseMeta;
}

/**
 * What tRPC is to add to the response: the application's own headers, and those of the library that would not get there
 * otherwise. tRPC appends to what is on `resHeaders`, and replaces what is on a Node response.
 */
function mergeHeaders(own: ResponseMeta['headers'], ours: Headers, writtenTo: CallFacts['writtenTo']): Headers | undefined {
  const missing = writtenTo ? new Headers() : ours;
  const merged = toHeaders(own);
  const isSecret = ours.get('cache-control') === 'no-store';
  if (isSecret) merged.delete('cache-control');
  if (isSecret && writtenTo !== 'resHeaders') merged.set('cache-control', 'no-store');
  for (const cookie of missing.getSetCookie()) merged.append('set-cookie', cookie);
  for (const [name, value] of missing) if (name !== 'set-cookie' && !merged.has(name)) merged.set(name, value);
  if (typeof writtenTo === 'object' && ours.has('set-cookie')) moveCookies(merged, writtenTo);
  return own || [...merged].length > 0 ? merged : undefined;
}

/** The application's own cookies stand beside those that are on the response: tRPC would put them in their place. */
function moveCookies(own: Headers, response: NodeResponse): void {
  const cookies = own.getSetCookie();
  own.delete('set-cookie');
  if (cookies.length > 0) response.setHeader('set-cookie', [response.getHeader('set-cookie') ?? []].flat().map(String).concat(cookies));
}

function toHeaders(own: ResponseMeta['headers']): Headers {
  if (!own || own instanceof Headers) return new Headers(own);
  const headers = new Headers();
  for (const [name, value] of Object.entries(own)) for (const each of [value ?? []].flat()) headers.append(name, each);
  return headers;
}
