import type { SessionsContext } from './context.js';
import { type CallFacts, type Contexts, isHandle, sealStream } from './context.js';

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

export function responseMetaFunction<Data, Input>(contexts: Contexts<Data, Input>): ResponseMetaFunction<Data, Input> {
  function complete(options: ResponseMetaOptions<Data, Input>, own: ResponseMeta): ResponseMeta {
    const handle = options.ctx?.sessions;
    if (!isHandle(handle)) return own;
    if (options.eagerGeneration) sealStream(handle, options.type);
    const headers = mergeHeaders(own.headers, handle.responseHeaders, contexts.factsOf(handle).delivery);
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
function mergeHeaders(own: ResponseMeta['headers'], ours: Headers, delivery: CallFacts['delivery']): Headers | undefined {
  const missing = delivery === 'collected' && [...ours].length > 0;
  if (!missing && !own) return undefined;
  const merged = toHeaders(own);
  const secret = ours.get('cache-control') === 'no-store';
  if (secret) merged.delete('cache-control');
  if (secret && delivery !== 'resHeaders') merged.set('cache-control', 'no-store');
  if (delivery !== 'resHeaders') {
    for (const cookie of ours.getSetCookie()) if (missing || merged.has('set-cookie')) merged.append('set-cookie', cookie);
  }
  for (const [name, value] of missing ? ours : []) if (name !== 'set-cookie' && !merged.has(name)) merged.set(name, value);
  return merged;
}

function toHeaders(own: ResponseMeta['headers']): Headers {
  if (!own || own instanceof Headers) return new Headers(own);
  const headers = new Headers();
  for (const [name, value] of Object.entries(own)) for (const each of [value ?? []].flat()) headers.append(name, each);
  return headers;
}
