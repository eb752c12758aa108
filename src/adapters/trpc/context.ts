import { SessionError } from '../../core/error.js';
import { RequestHandle } from '../../core/request-sessions.js';
import type { RequestSessions } from '../../core/types.js';
import type { NodeResponse, ResponseTarget } from '../../http/response-head.js';
import { OPEN_REQUEST, type Sessions } from '../../http/sessions.js';
import { sessionFailure } from './errors.js';
import { acceptsStream, type ContextOptions, incomingRequest } from './request.js';

/** What the library puts on a tRPC context; `withSession` and `requireSession` add `session`. */
export interface SessionsContext<Data, Input = Data> {
  readonly sessions: RequestSessions<Data, Input>;
}

/** What is known of the calls that a request makes, and of its response. */
export interface CallFacts {
  /** How long a call's change waits for the other calls of its batch, in ms, so that all of them make one write. */
  readonly holdMs: number;
  /** What tells the calls that the client made from those of `createCaller`; unknown where there was no `info`. */
  readonly calls: WeakSet<object> | undefined;
  /** Where what is on `responseHeaders` has been put already; `undefined` where it is left to `responseMeta`. */
  readonly writtenTo: NodeResponse | 'resHeaders' | undefined;
}

const UNKNOWN: CallFacts = { holdMs: 0, calls: undefined, writtenTo: undefined };

/** The factory of contexts, and what it has learned about the request of each. */
export class Contexts<Data, Input> {
  readonly #sessions: Sessions<Data, Input>;
  readonly #facts = new WeakMap<object, CallFacts>();

  constructor(sessions: Sessions<Data, Input>) {
    this.#sessions = sessions;
  }

  create(options: ContextOptions): SessionsContext<Data, Input> {
    const request = incomingRequest(options);
    const handle = this.#sessions[OPEN_REQUEST](request);
    // An Express middleware may have opened the request before, without knowing what is called.
    if (options.info || !this.#facts.has(handle)) this.#facts.set(handle, callFacts(options, writtenTo(request.target, handle)));
    if (!request.persistent && acceptsStream(options, request.headers)) sealStream(handle, options.info?.type, request.target);
    return { sessions: handle };
  }

  factsOf(handle: RequestHandle<Data, Input>): CallFacts {
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

function callFacts({ info }: ContextOptions, writtenTo: CallFacts['writtenTo']): CallFacts {
  const calls = info?.calls;
  const isBatch = info?.isBatchCall === true && calls !== undefined && calls.length > 1;
  // The results of a streamed batch do not wait for slow neighbours; those of another one do anyway.
  const holdMs = !isBatch ? 0 : info.accept === 'application/jsonl' ? 1 : 1_000;
  return { holdMs, calls: calls && new WeakSet(calls.map((call) => call.getRawInput)), writtenTo };
}

function writtenTo<Data, Input>(target: ResponseTarget, handle: RequestHandle<Data, Input>): CallFacts['writtenTo'] {
  if (target.kind === 'node') return target.response;
  // Another adapter may have opened the request before, with headers of its own.
  return target.kind === 'collect' && target.headers === handle.responseHeaders ? 'resHeaders' : undefined;
}
