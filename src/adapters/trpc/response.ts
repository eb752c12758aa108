import type { TRPCError } from '@trpc/server';
import type { Call } from '../../core/session/call.js';
import { warnUnsaved } from '../../core/session/unsaved.js';
import { callOf } from '../../http/host.js';
import { combined, EXPOSED, mergeCookies } from '../../http/put-headers.js';
import { batchOf, type SessionsContext, sealStream } from './context.js';
import { answerTo, isBareSessionError } from './errors.js';

/** The part of tRPC's arguments for `responseMeta` that the library needs. */
export interface ResponseMetaOptions<Data, Input = Data> {
  /** Absent if the context could not be created. */
  readonly ctx?: SessionsContext<Data, Input> | null | undefined;
  /** Whether the response is streamed: its head is sent before the calls have run. */
  readonly eagerGeneration: boolean;
  /** The procedures that the client asked for. */
  readonly paths?: readonly string[] | undefined;
  /** The results of the calls. */
  readonly data?: readonly unknown[];
  /** The errors of the calls that failed. */
  readonly errors?: readonly TRPCError[];
}

/** The result of a `responseMeta` function. */
export interface ResponseMeta {
  /** The HTTP status, where it is not tRPC's own. */
  status?: number;
  /** Headers of the response. */
  headers?: Headers | Record<string, string | string[] | undefined>;
}

/** The option `responseMeta` of tRPC's HTTP adapters. */
export interface ResponseMetaFunction<Data, Input = Data> {
  /**
   * Wraps the application's own function, whose headers win over the library's, except that a
   * response with a token is not cached.
   */
  <Options extends ResponseMetaOptions<Data, Input>>(
    own: (options: Options) => ResponseMeta,
  ): (options: Options) => ResponseMeta;
  (options: ResponseMetaOptions<Data, Input>): ResponseMeta;
}

export function responseMetaFunction<Data, Input>(): ResponseMetaFunction<Data, Input> {
  function responseMeta<Options extends ResponseMetaOptions<Data, Input>>(
    own: (options: Options) => ResponseMeta,
  ): (options: Options) => ResponseMeta;
  function responseMeta(options: ResponseMetaOptions<Data, Input>): ResponseMeta;
  function responseMeta<Options extends ResponseMetaOptions<Data, Input>>(
    first: Options | ((options: Options) => ResponseMeta),
  ) {
    return typeof first === 'function' ? (options: Options) => complete(options, first(options)) : complete(first, {});
  }
  return responseMeta;
}

function complete<Data, Input>(options: ResponseMetaOptions<Data, Input>, own: ResponseMeta): ResponseMeta {
  const call = callOf(options.ctx?.sessions);
  if (!call) return own;
  if (options.eagerGeneration) sealStream(call);
  else reportUnsaved(call, options.paths);
  const { head } = call.request;
  head.settle();
  // If another handler runs this one, that handler sends the headers of the head.
  const headers =
    head.sendsItself || call.parent ? withOwnCookies(own.headers, call) : mergeHeaders(own.headers, call);
  const status = own.status ?? statusOf(options);
  return { ...own, ...(headers && { headers }), ...(status && { status }) };
}

/** Reports a change outside a guard. The calls have run, so an unsaved change is lost. */
function reportUnsaved(call: Call, paths: readonly string[] = []): void {
  const { session } = call;
  if (session) warnUnsaved(session.draft.box, call.request.services, placeOf(paths));
}

/** The names of the procedures from the client, if they are safe to log. */
function placeOf(paths: readonly string[]): string | undefined {
  const names = paths.join(', ');
  return /^[\w.-]+(, [\w.-]+)*$/.test(names) && names.length < 200 ? `by ${names}, outside a guard` : undefined;
}

/** The status of a library error of an unguarded procedure, if it is the only answer. */
function statusOf<Data, Input>({ errors = [], data = [] }: ResponseMetaOptions<Data, Input>): number | undefined {
  const [error, another] = errors;
  if (!error || another || data.length > 1 || !isBareSessionError(error)) return undefined;
  return answerTo(error.cause).status;
}

/** Adds the application's own cookies to those on the response. tRPC would replace the latter. */
function withOwnCookies(own: ResponseMeta['headers'], call: Call): ResponseMeta['headers'] {
  const { response } = batchOf(call);
  const headers = toHeaders(own);
  const cookies = headers.getSetCookie();
  if (!response || cookies.length === 0) return own;
  headers.delete('set-cookie');
  response.setHeader('set-cookie', mergeCookies(response.getHeader('set-cookie'), cookies));
  return headers;
}

/**
 * The headers that tRPC must add to the response: the application's own, and those of the library
 * that are missing there.
 */
function mergeHeaders(own: ResponseMeta['headers'], call: Call): Headers | undefined {
  const ours = call.request.head.read();
  const { isOnResHeaders } = batchOf(call);
  const merged = toHeaders(own);
  const isSecret = ours.get('cache-control') === 'no-store';
  if (isSecret) merged.delete('cache-control');
  if (!isOnResHeaders) addMissing(merged, ours);
  return own || [...merged].length > 0 ? merged : undefined;
}

function addMissing(merged: Headers, ours: Headers): void {
  for (const cookie of ours.getSetCookie()) merged.append('set-cookie', cookie);
  for (const [name, value] of ours) {
    if (name === EXPOSED || (name !== 'set-cookie' && !merged.has(name)))
      merged.set(name, combined(name, value, merged.get(name)));
  }
}

function toHeaders(own: ResponseMeta['headers']): Headers {
  if (!own || isHeaders(own)) return new Headers(own);
  const headers = new Headers();
  for (const [name, value] of Object.entries(own)) for (const each of [value ?? []].flat()) headers.append(name, each);
  return headers;
}

/** Includes headers of another realm or implementation, which are pairs too. */
function isHeaders(own: NonNullable<ResponseMeta['headers']>): own is Headers {
  return Symbol.iterator in own;
}
