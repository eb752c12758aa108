import type { StandardSchemaV1 } from '@standard-schema/spec';
import { SessionError } from '../core/error.js';
import { createServices, type Services } from '../core/kernel/services.js';
import { type CoreOptions, normaliseOptions } from '../core/kernel/settings.js';
import { isSessionId } from '../core/record/token.js';
import { HeldSession } from '../core/session/held-session.js';
import { CallSession, sessionInfo, withToken } from '../core/session/session.js';
import type { SessionStore } from '../core/store.js';
import type { SessionAdministration, SessionContext } from '../core/types.js';
import { contextFor } from './context.js';
import { handleFetch } from './handle.js';
import { type HeadersLike, headerReader } from './header-reader.js';
import { HOST, HOST_VERSION, type Host } from './host.js';
import { isUpgrade } from './hosts.js';
import {
  type IncomingRequest,
  type OpenedRequest,
  openRequest,
  openToken,
  readSources,
  type SourceSettings,
} from './request.js';
import { privateSlot } from './slot.js';
import { bearer, type RequestDetails, type TokenSource } from './token-source.js';

/** The object that `createSessions` returns. */
export interface Sessions<Data, Input = Data> extends SessionAdministration<Data, Input> {
  /**
   * Serves a Fetch request, on any host that has them: saves what the handler changed, puts new
   * tokens and cookies on its response, and answers the library's errors as
   * `application/problem+json` (RFC 9457) with `code` and `status`.
   *
   * Changes are dropped when the handler throws, or answers with a status of 500 or more. A
   * response that is thrown counts by its status. So does an error that has a `status` or
   * `statusCode`, such as a redirect or HTTP error of the host, and so do the `redirect()` and
   * `notFound()` of Next.js. If tRPC or Yoga serves the same request inside
   * the handler, it shares the session, and its load.
   *
   * @example
   * const handler = (request: Request) =>
   *   sessions.handle(request, async ({ session, sessions }) => {
   *     if (!session) {
   *       const { token } = await sessions.create({ userId: 'ada' });
   *       return Response.json({ token });
   *     }
   *     session.data.theme = 'dark';
   *     return Response.json(session.data);
   *   });
   */
  handle(
    request: Request,
    handler: (context: SessionContext<Data, Input>) => Response | Promise<Response>,
  ): Promise<Response>;
  /**
   * The context of a Fetch request, and no more. Nothing is saved: call `save()` or `update()`.
   * Nothing is written: where a source writes tokens, put `sessions.responseHeaders` on the
   * response. {@link handle} does both.
   *
   * @example
   * const { session } = await sessions.fromRequest(request);
   *
   * @throws `STORE_UNAVAILABLE` · `INVALID_DATA`, by `onStoreError` and `onInvalidData`
   */
  fromRequest(request: Request): Promise<SessionContext<Data, Input>>;
  /**
   * The context of a request by its headers, and no more: for servers that have no Fetch requests
   * and no adapter here. Nothing is saved: call `save()` or `update()`. Nothing is written: where
   * a source writes tokens, send `sessions.responseHeaders`. Errors are yours to answer, by their
   * `status`.
   * For the request of a WebSocket, known by its header `upgrade`, `sessions.load()` looks the
   * session up each time.
   *
   * @example
   * const { method, url, headers } = req;
   * const { session, sessions: own } = await sessions.fromHeaders(headers, { method, url });
   * await session?.update((data) => {
   *   data.views += 1;
   * });
   * for (const [name, value] of own.responseHeaders) res.appendHeader(name, value);
   *
   * @throws `STORE_UNAVAILABLE` · `INVALID_DATA`, by `onStoreError` and `onInvalidData`
   */
  fromHeaders(headers: HeadersLike, request?: RequestDetails): Promise<SessionContext<Data, Input>>;
  /**
   * {@link fromHeaders} for a token that came in another way. A malformed token counts as
   * anonymous.
   */
  fromToken(token: string | null | undefined): Promise<SessionContext<Data, Input>>;
  /** How the adapters open requests. Not for applications. */
  readonly [HOST]: Host;
}

/**
 * The context of these sessions, so that an application writes the type of its data once.
 *
 * @example
 * type Context = SessionContextOf<typeof sessions>;
 */
export type SessionContextOf<Of extends Pick<Sessions<unknown, never>, 'fromToken'>> = Awaited<
  ReturnType<Of['fromToken']>
>;

/** A session of these sessions: `SessionOf<typeof sessions>`. */
export type SessionOf<Of extends Pick<Sessions<unknown, never>, 'fromToken'>> = NonNullable<
  SessionContextOf<Of>['session']
>;

export interface HttpOptions<Data> extends CoreOptions<Data> {
  readonly store: SessionStore;
  readonly schema?: StandardSchemaV1<unknown, Data> | undefined;
  /**
   * The places where the token is read, in order: the first well-formed one decides.
   *
   * @default [bearer()]
   */
  readonly sources?: readonly TokenSource[] | undefined;
}

/** The support for other libraries' tokens, which `createSessions` adds. */
export interface ForeignTokens {
  readonly read: SourceSettings['foreign'];
  /** @throws `INVALID_OPTION` */
  readonly check: (source: TokenSource) => void;
}

/** @throws `INVALID_OPTION` */
export function openSessions<Data, Input>(options: HttpOptions<Data>, foreign: ForeignTokens): Sessions<Data, Input> {
  const services = createServices(normaliseOptions(options));
  const sources = checkSources(options.sources ?? [bearer()], foreign);
  const warnOnce = onceEach((message) => services.settings.logger?.warn(`token-sessions: ${message}`));
  const { now, rotationGrace } = services.settings;
  const head = { writers: sources.filter((source) => source.write), now, rotationGrace };
  const settings: SourceSettings = { services, sources, head, foreign: foreign.read, warnOnce };
  const slot = privateSlot<OpenedRequest>();

  /**
   * Returns one request for each request object and token. If an object comes back with another
   * token, or as a socket, it is another caller.
   */
  function open(incoming: IncomingRequest): OpenedRequest {
    const { key, alias, persistent = false } = incoming;
    if (!key) return openRequest(settings, incoming);
    const sent = readSources(settings, incoming);
    const known = slot.get(key);
    if (known?.isFor(sent, persistent) && !known.isOver) return known;
    const request = openRequest(settings, incoming, sent);
    slot.set(key, request);
    if (alias) slot.set(alias, request);
    return request;
  }

  const host: Host = {
    ...HOST_VERSION,
    open,
    owns: (call) => call.request.services.settings === services.settings,
    sourceNames: sources.map(({ name }) => name),
    warnOnce,
  };

  /** A context without an outcome. Nothing is saved or written automatically. */
  async function contextAlone(request: OpenedRequest): Promise<SessionContext<Data, Input>> {
    request.head.expectReader(() => warnOnce(UNREAD));
    const call = request.open({ hasOutcome: false });
    await call.load();
    await call.request.rotateByAge();
    return contextFor<Data, Input>(call);
  }

  async function fromHeaders(headers: HeadersLike, details?: RequestDetails): Promise<SessionContext<Data, Input>> {
    const persistent = isUpgrade(headerReader(headers));
    const target = { kind: persistent ? 'none' : 'collect' } as const;
    return contextAlone(openRequest(settings, { key: undefined, headers, details, persistent, target }));
  }

  return {
    ...administration<Data, Input>(services),
    handle: (request, handler) => handleFetch(host, request, handler),
    fromRequest: async (request) => fromHeaders(request.headers, request),
    fromHeaders,
    fromToken: (token) => contextAlone(openToken(settings, typeof token === 'string' ? token : undefined)),
    [HOST]: host,
  };
}

const UNREAD =
  'a response must carry a token or its deletion, but the application never read sessions.responseHeaders of the context of fromHeaders: ' +
  'send these headers, or use sessions.handle() or the adapter of your host';

function administration<Data, Input>(shared: Services): SessionAdministration<Data, Input> {
  const { events, queue, live, store, sweeper } = shared;
  return {
    async create(data) {
      const services = shared.forRequest();
      const { snapshot, credential } = await services.lifecycle.create(data);
      const token = credential.reveal(services.settings.tokenPrefix);
      return withToken(
        new CallSession<Data>(new HeldSession(services, snapshot, null, true), undefined, undefined, token),
      );
    },
    async find(id) {
      const services = shared.forRequest();
      const snapshot = isSessionId(id) ? await services.reader.find(id) : null;
      return snapshot && new CallSession<Data>(new HeldSession(services, snapshot, null));
    },
    listFor: async (ownerId) => (await shared.forRequest().accounts.listFor(ownerId)).map(sessionInfo<Data>),
    destroy: async (id) => isSessionId(id) && shared.forRequest().lifecycle.destroyById(id),
    destroyFor: (ownerId, options) => shared.forRequest().accounts.destroyFor(ownerId, options?.except),
    count: () => shared.forRequest().accounts.count(),
    sweep: () => shared.forRequest().accounts.sweep(),
    on: (event, listener) => events.on(event, listener),
    async close() {
      sweeper.close();
      await queue.idle();
      await store.idle();
      await live.close();
    },
  };
}

function onceEach(log: (message: string) => void): (message: string) => void {
  const logged = new Set<string>();
  return (message) => {
    if (logged.has(message)) return;
    logged.add(message);
    log(message);
  };
}

function checkSources(sources: readonly TokenSource[], foreign: ForeignTokens): readonly TokenSource[] {
  const valid =
    Array.isArray(sources) && sources.length > 0 && sources.every((each) => typeof each?.read === 'function');
  if (!valid) {
    throw new SessionError(
      'INVALID_OPTION',
      "sources must be a list of at least one of bearer(), header('X-Auth-Token') and cookie()",
    );
  }
  for (const source of sources) foreign.check(source);
  return [...sources];
}
