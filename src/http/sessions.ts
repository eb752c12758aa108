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
import type { HeadersLike } from './header-reader.js';
import { HOST, HOST_VERSION, type Host } from './host.js';
import { type IncomingRequest, type OpenedRequest, openRequest, openToken, readSources, type SourceSettings } from './request.js';
import { privateSlot } from './slot.js';
import { bearer, type RequestDetails, type TokenSource } from './token-source.js';

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
  /** How the adapters open requests. Not for applications. */
  readonly [HOST]: Host;
}

/**
 * The context of these sessions, so that an application writes the type of its data once:
 *
 * ```ts
 * type Context = SessionContextOf<typeof sessions>;
 * ```
 */
export type SessionContextOf<Of extends Pick<Sessions<unknown, never>, 'fromToken'>> = Awaited<ReturnType<Of['fromToken']>>;

/** A session of these sessions: `SessionOf<typeof sessions>`. */
export type SessionOf<Of extends Pick<Sessions<unknown, never>, 'fromToken'>> = NonNullable<SessionContextOf<Of>['session']>;

export interface HttpOptions<Data> extends CoreOptions<Data> {
  readonly store: SessionStore;
  readonly schema?: StandardSchemaV1<unknown, Data> | undefined;
  /** Where the token is read from, in order: the first well-formed one decides. Default `[bearer()]`. */
  readonly sources?: readonly TokenSource[] | undefined;
}

/** What the composition root adds to the sources. */
export interface ForeignTokens {
  readonly read: NonNullable<SourceSettings['foreign']>;
  /** @throws `INVALID_OPTION` */
  readonly check: (source: TokenSource) => void;
}

/** @throws `INVALID_OPTION` */
export function openSessions<Data, Input>(options: HttpOptions<Data>, foreign?: ForeignTokens): Sessions<Data, Input> {
  const services = createServices(normaliseOptions(options));
  const sources = checkSources(options.sources ?? [bearer()], foreign);
  const warnOnce = onceEach((message) => services.settings.logger?.warn(`token-sessions: ${message}`));
  const settings: SourceSettings = { services, sources, foreign: foreign?.read, warnOnce };
  const slot = privateSlot<{ request: OpenedRequest }>();

  /** One for each request object and caller: an object that travels with another token is another caller. */
  function open(incoming: IncomingRequest): OpenedRequest {
    const { key } = incoming;
    if (!key) return openRequest(settings, incoming);
    const sent = readSources(settings, incoming);
    const known = slot.get(key);
    if (known?.request.isFor(sent)) return known.request;
    const request = openRequest(settings, incoming, sent);
    if (known) known.request = request;
    else slot.set(key, { request });
    return request;
  }

  return {
    ...administration<Data, Input>(services),
    fromHeaders: (headers, details) =>
      contextOf<Data, Input>(openRequest(settings, { key: undefined, headers, details, target: { kind: 'collect' } })),
    fromToken: (token) => contextOf<Data, Input>(openToken(settings, typeof token === 'string' ? token : undefined)),
    [HOST]: { ...HOST_VERSION, open, owns: (call) => call.request.services === services, warnOnce },
  };
}

/** A context without an outcome: nothing is saved for the caller. */
async function contextOf<Data, Input>(request: OpenedRequest): Promise<SessionContext<Data, Input>> {
  const call = request.open({ hasOutcome: false });
  await call.load();
  return contextFor<Data, Input>(call);
}

function administration<Data, Input>(services: Services): SessionAdministration<Data, Input> {
  const { lifecycle, reader, accounts, events, queue, live, sweeper } = services;
  return {
    async create(data) {
      const { snapshot, credential } = await lifecycle.insert(data);
      await lifecycle.activate(snapshot, null).catch(async (error: unknown) => {
        await lifecycle.takeBack(snapshot.record.id);
        throw error;
      });
      const token = credential.reveal(services.settings.tokenPrefix);
      return withToken(new CallSession<Data>(new HeldSession(services, snapshot, null, true), undefined, token));
    },
    async find(id) {
      const snapshot = isSessionId(id) ? await reader.find(id) : null;
      return snapshot && new CallSession<Data>(new HeldSession(services, snapshot, null));
    },
    listFor: async (ownerId) => (await accounts.listFor(ownerId)).map(sessionInfo<Data>),
    destroy: async (id) => isSessionId(id) && lifecycle.destroyById(id),
    destroyFor: (ownerId, options) => accounts.destroyFor(ownerId, options?.except),
    count: () => accounts.count(),
    sweep: () => accounts.sweep(),
    on: (event, listener) => events.on(event, listener),
    async close() {
      sweeper.close();
      await queue.idle();
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

function checkSources(sources: readonly TokenSource[], foreign: ForeignTokens | undefined): readonly TokenSource[] {
  const valid = Array.isArray(sources) && sources.length > 0 && sources.every((each) => typeof each?.read === 'function');
  if (!valid) {
    throw new SessionError('INVALID_OPTION', "sources must be a list of at least one of bearer(), header('X-Auth-Token') and cookie()");
  }
  for (const source of sources) foreign?.check(source);
  return [...sources];
}
