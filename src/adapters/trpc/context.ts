import type { Call } from '../../core/session/call.js';
import type { RequestSessions } from '../../core/types.js';
import { sessionsOf } from '../../http/context.js';
import { type Host, hostOf } from '../../http/host.js';
import { field, type NodeResponse } from '../../http/hosts.js';
import type { Sessions } from '../../http/sessions.js';
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
 * The known facts about the calls of a request. Must be plain data, because another copy of the
 * package may read it.
 */
export interface BatchDetails {
  /**
   * How long a call's write waits for the other calls of its batch, in ms, so that they become one
   * write.
   */
  readonly holdMs: number;
  /** The client's calls, as opposed to those of `createCaller`. `undefined` if not known. */
  readonly clientCalls: ReadonlySet<unknown> | undefined;
  /** Whether tRPC's `resHeaders` hold the library's headers already. */
  readonly isOnResHeaders: boolean;
  /**
   * The Node response, if tRPC itself writes to it. tRPC would replace the cookies that are on it.
   */
  readonly response: NodeResponse | undefined;
}

const UNKNOWN: BatchDetails = { holdMs: 0, clientCalls: undefined, isOnResHeaders: false, response: undefined };

/** The context of a request. It makes no store call. */
export function contextOf<Data, Input>(
  sessions: Sessions<Data, Input>,
  options: ContextOptions,
): SessionsContext<Data, Input> {
  const incoming = incomingRequest(options);
  const opened = host(sessions).open(incoming);
  const call = opened.open({ hasOutcome: false });
  const { target } = incoming;
  // On Lambda and in a server-side caller, only `responseMeta` can send the headers.
  if (!opened.enclosing && target.kind === 'collect' && !target.headers)
    opened.head.expectReader(() => host(sessions).warnOnce(UNSENT));
  call.details = detailsOf(options.info, {
    isOnResHeaders:
      target.kind === 'collect' && target.headers !== undefined && target.headers === opened.head.headers,
    response:
      target.kind === 'node' && 'res' in options && options.res === target.response ? target.response : undefined,
  });
  if (!incoming.persistent && acceptsStream(options, incoming.headers)) sealStream(call);
  return { sessions: sessionsOf<Data, Input>(call) };
}

const UNSENT =
  'a new token or cookie is on no response: add responseMeta of trpcSessions to the options of the tRPC handler. ' +
  'In a server-side caller, pass the context of the handler or adapter around it';

export function host<Data, Input>(sessions: Sessions<Data, Input>): Host {
  return hostOf(sessions);
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

function detailsOf(
  info: RequestInfo | undefined,
  where: Pick<BatchDetails, 'isOnResHeaders' | 'response'>,
): BatchDetails {
  const calls = info?.calls;
  const isBatch = info?.isBatchCall === true && calls !== undefined && calls.length > 1;
  // In a streamed batch, results do not wait for slow neighbours. In any other batch they do.
  const holdMs = !isBatch ? 0 : info.accept === 'application/jsonl' ? 1 : 1_000;
  let set: ReadonlySet<unknown> | undefined;
  return {
    ...where,
    holdMs,
    // `clientCalls` is not known on a socket and without `info`.
    get clientCalls() {
      if (calls && calls.length > 0) set ??= new Set(calls.map(({ getRawInput }) => getRawInput));
      return set;
    },
  };
}
