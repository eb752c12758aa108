import type { StandardSchemaV1 } from '@standard-schema/spec';
import { SessionError } from '../core/error.js';
import { Kernel } from '../core/kernel/kernel.js';
import { type CoreOptions, normaliseOptions } from '../core/kernel/settings.js';
import type { Snapshot } from '../core/record/snapshot.js';
import { isSessionId, legacyCredential, parseToken } from '../core/record/token.js';
import { type RequestFacts, RequestHandle, sessionInfo, withToken } from '../core/session/request-sessions.js';
import { SessionDraft, type SessionLink } from '../core/session/session.js';
import type { SessionStore } from '../core/store.js';
import type { SessionAdministration, SessionContext } from '../core/types.js';
import { type HeaderReader, type HeadersLike, headerReader } from './header-reader.js';
import { ResponseHead, type ResponseTarget } from './response-head.js';
import { privateSlot } from './slot.js';
import { bearer, type RequestDetails, type TokenSource } from './token-source.js';

/** How the adapters open a request. Not for applications. */
export const OPEN_REQUEST: unique symbol = Symbol('token-sessions.openRequest');

/** A request, as an adapter hands it in. */
export interface IncomingRequest {
  /** What stands for the request: adapters that it passes through share one handle by it. */
  readonly key: object | undefined;
  readonly headers: HeadersLike;
  /** Parameters of a WebSocket connection, which can carry `authorization` or `token`; they go before the headers. */
  readonly connectionParams?: Readonly<Record<string, unknown>> | null | undefined;
  readonly persistent?: boolean;
  readonly details?: RequestDetails | undefined;
  readonly target: ResponseTarget;
}

/** What `createSessions` returns. */
export interface Sessions<Data, Input = Data> extends SessionAdministration<Data, Input> {
  /**
   * The context of a request, for any server: Apollo, Mercurius, Hono, Next … Loads the session. There is no autosave: call
   * `save()`, and send `sessions.responseHeaders` where a token is created or a source writes it.
   *
   * @throws `STORE_UNAVAILABLE` · `INVALID_DATA`, by `onStoreError` and `onInvalidData`
   */
  fromHeaders(headers: HeadersLike, request?: RequestDetails): Promise<SessionContext<Data, Input>>;
  /** {@link fromHeaders} for a token that came in another way. What is not well-formed counts as anonymous. */
  fromToken(token: string | null | undefined): Promise<SessionContext<Data, Input>>;
  readonly [OPEN_REQUEST]: (request: IncomingRequest) => RequestHandle<Data, Input>;
}

export interface HttpOptions<Data> extends CoreOptions<Data> {
  readonly store: SessionStore;
  readonly schema?: StandardSchemaV1<unknown, Data> | undefined;
  /** Where the token is read from, in order: the first well-formed one decides. Default `[bearer()]`. */
  readonly sources?: readonly TokenSource[] | undefined;
}

/** @throws `INVALID_OPTION` */
export function openSessions<Data, Input>(options: HttpOptions<Data>): Sessions<Data, Input> {
  const kernel = new Kernel(normaliseOptions(options));
  const sources = checkSources(options.sources ?? [bearer()]);
  const writers = sources.filter((source) => source.write);
  const handles = privateSlot<RequestHandle<Data, Input>>();

  function openRequest(request: IncomingRequest): RequestHandle<Data, Input> {
    const known = request.key && handles.get(request.key);
    if (known) return known;
    const header = requestReader(request);
    const details = request.details ?? {};
    const handle = new RequestHandle<Data, Input>(kernel, {
      ...readCredential(sources, kernel.settings.tokenPrefix, (source) => source.read(header, details)),
      persistent: request.persistent ?? false,
      delivery: new ResponseHead(writers, request.target),
    });
    if (request.key) handles.set(request.key, handle);
    return handle;
  }

  async function contextOf(handle: RequestHandle<Data, Input>): Promise<SessionContext<Data, Input>> {
    return { session: await handle.load(), sessions: handle };
  }

  return {
    ...administration<Data, Input>(kernel),
    fromHeaders: (headers, details) => contextOf(openRequest({ key: undefined, headers, details, target: { kind: 'collect' } })),
    fromToken: (token) => {
      const text = typeof token === 'string' ? token : undefined;
      const sent = readCredential(sources, kernel.settings.tokenPrefix, () => text);
      return contextOf(new RequestHandle(kernel, { ...sent, persistent: false, delivery: new ResponseHead(writers, { kind: 'collect' }) }));
    },
    [OPEN_REQUEST]: openRequest,
  };
}

function administration<Data, Input>(kernel: Kernel): SessionAdministration<Data, Input> {
  return {
    async create(data) {
      const { snapshot, token } = await kernel.create(data);
      return withToken(new SessionDraft<Data>(serverLink(kernel, snapshot, true), token));
    },
    async find(id) {
      const snapshot = isSessionId(id) ? await kernel.find(id) : null;
      return snapshot && new SessionDraft<Data>(serverLink(kernel, snapshot, false));
    },
    listFor: async (ownerId) => (await kernel.listFor(ownerId)).map(sessionInfo<Data>),
    destroy: async (id) => isSessionId(id) && kernel.destroyById(id),
    destroyFor: (ownerId, options) => kernel.destroyFor(ownerId, options?.except),
    count: () => kernel.count(),
    sweep: () => kernel.sweep(),
    on: (event, listener) => kernel.events.on(event, listener),
    async close() {
      await kernel.queue.idle();
      await kernel.live.close();
    },
  };
}

/** A session outside any request: no token had to be shown for it, and no response is there to write one to. */
function serverLink(kernel: Kernel, snapshot: Snapshot, isNew: boolean): SessionLink {
  const link: SessionLink = {
    kernel,
    snapshot,
    hashes: null,
    isNew,
    delivery: null,
    ended: false,
    watches: new Map(),
    onEnded: () => {
      link.ended = true;
    },
  };
  return link;
}

/** The first well-formed token in the order of the sources; where there is none, the first that is another library's. */
function readCredential(
  sources: readonly TokenSource[],
  prefix: string,
  read: (source: TokenSource) => string | undefined,
): Pick<RequestFacts, 'credential' | 'legacy' | 'tokenSent'> {
  let tokenSent = false;
  let legacy: Pick<RequestFacts, 'credential' | 'legacy'> | undefined;
  for (const source of sources) {
    const text = read(source);
    if (text === undefined || text === '') continue;
    tokenSent = true;
    const credential = parseToken(text, prefix);
    if (credential) return { credential, tokenSent };
    legacy ??= readLegacy(source, text);
  }
  return { credential: null, ...legacy, tokenSent };
}

function readLegacy(source: TokenSource, text: string): Pick<RequestFacts, 'credential' | 'legacy'> | undefined {
  const sessions = source.legacy;
  const key = sessions?.keyOf(text);
  if (!sessions || key === undefined) return undefined;
  const credential = legacyCredential(`${sessions.scheme}:${key}`);
  return { credential, legacy: { sessions, key, text, answered: source.write !== undefined } };
}

function requestReader({ headers, connectionParams }: IncomingRequest): HeaderReader {
  const fromHeaders = headerReader(headers);
  if (!connectionParams) return fromHeaders;
  const params = new Map(Object.entries(connectionParams).map(([name, value]) => [name.toLowerCase(), value]));
  const bare = params.get('token');
  if (typeof bare === 'string' && !params.has('authorization')) params.set('authorization', `Bearer ${bare}`);
  return (name) => {
    const value = BROWSERS_OWN.test(name) ? undefined : params.get(name);
    return typeof value === 'string' ? value : fromHeaders(name);
  };
}

/** What a browser says of a request, and no page can: connection parameters, which a page makes, do not count there. */
const BROWSERS_OWN = /^(?:cookie|host|origin|upgrade|sec-.*)$/;

function checkSources(sources: readonly TokenSource[]): readonly TokenSource[] {
  const valid = Array.isArray(sources) && sources.length > 0 && sources.every((each) => typeof each?.read === 'function');
  for (const { legacy } of valid ? sources : []) checkLegacy(legacy);
  if (valid) return [...sources];
  throw new SessionError('INVALID_OPTION', "sources has to be a list of at least one of bearer(), header('X-Auth-Token') and cookie()");
}

function checkLegacy(legacy: TokenSource['legacy']): void {
  if (legacy === undefined) return;
  const methods = [legacy?.keyOf, legacy?.read, legacy?.remove];
  if (methods.every((each) => typeof each === 'function') && typeof legacy.scheme === 'string' && /^[A-Za-z0-9]+$/.test(legacy.scheme))
    return;
  throw new SessionError('INVALID_OPTION', "a source's legacy has to be the sessions of another library, such as expressLegacy(store)");
}
