import type { Call } from '../../core/session/call.js';
import { LONGEST_HOLD } from '../../core/session/write-gate.js';
import type { RequestSessions } from '../../core/types.js';
import { sessionsOf } from '../../http/context.js';
import type { Host } from '../../http/host.js';
import { field, type NodeResponse } from '../../http/hosts.js';
import { acceptsStream, type ContextOptions, incomingRequest, type RequestInfo } from './request.js';

/**
 * The field that the library adds to a tRPC context. `withSession` and `requireSession` add
 * `session`.
 */
export type SessionsContext<Data, Input = Data> = {
  /** The sessions of the request; a guard gives each procedure its own. */
  readonly sessions: RequestSessions<Data, Input>;
};

/**
 * The known facts about the calls of a request. Another copy of the package may read them, so they
 * keep their names.
 */
export interface BatchDetails {
  /**
   * How long a call's write waits for the other calls of its batch, in ms, so that they become one
   * write.
   */
  readonly holdMs: number;
  /** The client's calls, as opposed to those of `createCaller`. `undefined` if not known. */
  readonly clientCalls: { has(getRawInputOrPath: unknown): boolean } | undefined;
  /** Whether tRPC's `resHeaders` hold the library's headers already. */
  readonly isOnResHeaders: boolean;
  /**
   * The Node response, if tRPC itself writes to it. tRPC would replace the cookies that are on it.
   */
  readonly response: NodeResponse | undefined;
}

const UNKNOWN: BatchDetails = { holdMs: 0, clientCalls: undefined, isOnResHeaders: false, response: undefined };

/** The context of a request. It makes no store call. */
export function contextOf<Data, Input>(host: Host, options: ContextOptions): SessionsContext<Data, Input> {
  const incoming = incomingRequest(options);
  const opened = host.open(incoming);
  const call = opened.open({ hasOutcome: false });
  const { target } = incoming;
  // On Lambda and in a server-side caller, only `responseMeta` can send the headers.
  if (!opened.enclosing && target.kind === 'collect' && !target.headers)
    opened.head.expectReader(() => host.warnOnce(UNSENT));
  call.details = new Batch(
    options.info,
    target.kind === 'collect' && target.headers !== undefined && target.headers === opened.head.headers,
    target.kind === 'node' && 'res' in options && options.res === target.response ? target.response : undefined,
  );
  if (!incoming.persistent) {
    if (acceptsStream(options, incoming.headers)) sealStream(call);
    if (hasToken(options.info?.connectionParams)) host.warnOnce(IN_URL);
  }
  return { sessions: sessionsOf<Data, Input>(call) };
}

const UNSENT =
  'a new token or cookie is on no response: add responseMeta of trpcSessions to the options of the tRPC handler. ' +
  'In a server-side caller, pass the context of the handler or adapter around it';

const IN_URL =
  'a token in the connectionParams of an HTTP subscription is ignored, because it is in the URL, which logs keep: ' +
  'use an EventSource that sends headers';

function hasToken(params: RequestInfo['connectionParams']): boolean {
  return params != null && Object.keys(params).some((name) => /^(authorization|token)$/i.test(name));
}

/** The facts that {@link contextOf} has collected about the batch of a call. */
export function batchOf(call: Call): BatchDetails {
  const { details } = rootOf(call);
  return isBatchDetails(details) ? details : UNKNOWN;
}

/**
 * Seals the head of a streamed response. It leaves before the calls run, so headers that they set
 * would be lost. The body may carry a token, so the head must forbid caching now.
 */
export function sealStream(call: Call): void {
  call.request.head.noStore();
  call.seal();
}

/** The body of a stream begins. If it is the response, its head has left. */
export function sealBody(call: Call): void {
  rootOf(call).seal();
}

function rootOf(call: Call): Call {
  let root = call;
  while (root.parent && !isBatchDetails(root.details)) root = root.parent;
  return root;
}

function isBatchDetails(details: unknown): details is BatchDetails {
  return typeof field(details, 'holdMs') === 'number';
}

class Batch implements BatchDetails {
  readonly holdMs: number;
  readonly isOnResHeaders: boolean;
  readonly response: NodeResponse | undefined;
  readonly #calls: NonNullable<RequestInfo['calls']>;
  #inputs: ReadonlySet<unknown> | undefined;

  constructor(info: RequestInfo | undefined, isOnResHeaders: boolean, response: NodeResponse | undefined) {
    const calls = info?.calls ?? [];
    const isBatch = info?.isBatchCall === true && calls.length > 1;
    // In a streamed batch, results do not wait for slow neighbours. In any other batch they do.
    this.holdMs = !isBatch ? 0 : info.accept === 'application/jsonl' ? 1 : LONGEST_HOLD;
    this.isOnResHeaders = isOnResHeaders;
    this.response = response;
    this.#calls = calls;
  }

  /** Not known on a socket and without `info`. */
  get clientCalls(): BatchDetails['clientCalls'] {
    return this.#calls.length > 0 ? this : undefined;
  }

  has(getRawInputOrPath: unknown): boolean {
    const [first, second] = this.#calls;
    // Most requests are one call, which needs no set.
    if (first && !second) return first.getRawInput === getRawInputOrPath || first.path === getRawInputOrPath;
    this.#inputs ??= new Set(this.#calls.flatMap(({ getRawInput, path }) => [getRawInput, path]));
    return this.#inputs.has(getRawInputOrPath);
  }
}
