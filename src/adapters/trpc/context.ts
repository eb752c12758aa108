import { SessionError } from '../../core/error.js';
import { RequestHandle } from '../../core/session/request-sessions.js';
import type { RequestSessions } from '../../core/types.js';
import type { NodeResponse, ResponseTarget } from '../../http/response-head.js';
import { OPEN_REQUEST, type Sessions } from '../../http/sessions.js';
import { sessionFailure } from './errors.js';
import { acceptsStream, type ContextOptions, incomingRequest, type RequestInfo } from './request.js';

/** What the library puts on a tRPC context; `withSession` and `requireSession` add `session`. */
export interface SessionsContext<Data, Input = Data> {
  readonly sessions: RequestSessions<Data, Input>;
}

/** What is known of the calls that a request makes, and of its response. */
export class CallFacts {
  /** How long a call's change waits for the other calls of its batch, in ms, so that all of them make one write. */
  readonly holdMs: number;
  /** What tells the calls that the client made from those of `createCaller`; unknown where there was no `info`. */
  readonly calls: RequestInfo['calls'];
  /** Where what is on `responseHeaders` has been put already; `undefined` where it is left to `responseMeta`. */
  readonly writtenTo: NodeResponse | 'resHeaders' | undefined;

  constructor({ info }: Pick<ContextOptions, 'info'>, writtenTo: CallFacts['writtenTo']) {
    const isBatch = info?.isBatchCall === true && info.calls !== undefined && info.calls.length > 1;
    // The results of a streamed batch do not wait for slow neighbours; those of another one do anyway.
    this.holdMs = !isBatch ? 0 : info.accept === 'application/jsonl' ? 1 : 1_000;
    this.calls = info?.calls;
    this.writtenTo = writtenTo;
  }
}

const UNKNOWN = new CallFacts({}, undefined);

/** The context of a request. Asks the store for nothing. */
export function contextOf<Data, Input>(sessions: Sessions<Data, Input>, options: ContextOptions): SessionsContext<Data, Input> {
  const request = incomingRequest(options);
  const handle = sessions[OPEN_REQUEST](request);
  // An Express middleware may have opened the request before, without knowing what is called.
  if (options.info || !handle.facts) handle.facts = new CallFacts(options, writtenTo(request.target, handle));
  if (!request.persistent && acceptsStream(options, request.headers)) sealStream(handle, options.info?.type, request.target);
  if (request.persistent && 'res' in options) closeWithSocket(handle, options.res);
  return { sessions: handle };
}

/** Lets go of the signals that the connection's calls have asked for when it is closed. */
function closeWithSocket<Data, Input>(handle: RequestHandle<Data, Input>, socket: object | undefined): void {
  const listen: unknown = socket && Reflect.get(socket, 'once');
  if (typeof listen === 'function') listen.call(socket, 'close', () => handle.close());
}

/** What {@link contextOf} has learned about the request. */
export function factsOf<Data, Input>(handle: RequestHandle<Data, Input>): CallFacts {
  return handle.facts instanceof CallFacts ? handle.facts : UNKNOWN;
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

function writtenTo<Data, Input>(target: ResponseTarget, handle: RequestHandle<Data, Input>): CallFacts['writtenTo'] {
  if (target.kind === 'node') return target.response;
  // Another adapter may have opened the request before, with headers of its own.
  return target.kind === 'collect' && target.headers === handle.responseHeaders ? 'resHeaders' : undefined;
}
