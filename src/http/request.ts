import type { Services } from '../core/kernel/services.js';
import { parseToken } from '../core/record/token.js';
import { Call, type CallOptions } from '../core/session/call.js';
import { type Credentials, SessionRequest } from '../core/session/request.js';
import { type HeaderReader, type HeadersLike, headerReader } from './header-reader.js';
import { type HeadSettings, type Refusing, ResponseHead, type ResponseTarget } from './response-head.js';
import type { RequestDetails, TokenSource, WritePurpose } from './token-source.js';

/** A request, as an adapter passes it in. */
export interface IncomingRequest {
  /** The object that stands for the request. Adapters with the same object share the request. */
  readonly key: object | undefined;
  /** Another object that stands for the same request. */
  readonly alias?: object | undefined;
  readonly headers: HeadersLike;
  /**
   * The parameters of a WebSocket connection. They can carry `authorization` or `token`, which win
   * over the headers.
   */
  readonly connectionParams?: Readonly<Record<string, unknown>> | null | undefined;
  /** Whether this is a socket. A socket looks its session up again for each call. */
  readonly persistent?: boolean;
  readonly details?: RequestDetails | undefined;
  readonly target: ResponseTarget;
}

/** The sources of a `createSessions`, and what they need. */
export interface SourceSettings {
  readonly services: Services;
  readonly sources: readonly TokenSource[];
  readonly head: HeadSettings;
  /** Recognises tokens of other libraries. */
  readonly foreign: (
    services: Services,
    source: TokenSource,
    text: string,
  ) => Omit<Credentials, 'tokenSent'> | undefined;
  /** Logs each message once. */
  readonly warnOnce: (message: string) => void;
}

/** A request that adapters have opened, and the calls in it. */
export class OpenedRequest {
  readonly head: ResponseHead;
  readonly #request: SessionRequest;
  /** The text that each source found. Private, because it holds the token. */
  readonly #sent: readonly (string | undefined)[];
  /** The call of a middleware around this request. Other calls run inside it. */
  enclosing: Call | undefined;
  /** Whether the answer has left. */
  isOver = false;

  constructor(request: SessionRequest, head: ResponseHead, sent: readonly (string | undefined)[]) {
    this.#request = request;
    this.head = head;
    this.#sent = sent;
  }

  /** Whether this is a socket. */
  get isPersistent(): boolean {
    return this.#request.persistent;
  }

  /** Whether the client sent a token, well-formed or not. */
  get tokenSent(): boolean {
    return this.#request.tokenSent;
  }

  /**
   * Whether the sources find the same text now as when the request was opened. A socket is not the
   * HTTP request that it was upgraded from: it looks its session up at each call.
   */
  isFor(sent: readonly (string | undefined)[], persistent: boolean): boolean {
    return this.isPersistent === persistent && this.#sent.every((text, index) => text === sent[index]);
  }

  open(options: CallOptions): Call {
    return new Call(this.#request, options, this.enclosing, true);
  }
}

/** The credentials in a request, and the source that found them. */
interface Found extends Credentials {
  readonly from: TokenSource | undefined;
}

/** The text that each source finds in a request, unchecked. */
export function readSources({ sources, warnOnce }: SourceSettings, incoming: IncomingRequest): (string | undefined)[] {
  const header = requestReader(incoming);
  const { details = NO_DETAILS } = incoming;
  return sources.map((source) => source.read(header, details, warnOnce));
}

export function openRequest(
  settings: SourceSettings,
  incoming: IncomingRequest,
  sent = readSources(settings, incoming),
): OpenedRequest {
  const services = settings.services.forRequest();
  const found = findCredentials(settings, services, sent);
  const { target, persistent = false, details = NO_DETAILS } = incoming;
  const refusing = (writers: readonly TokenSource[], purpose: WritePurpose) => {
    const header = requestReader(incoming);
    return writers.find((source) => source.mayWrite?.(header, details, purpose) === false);
  };
  const head = new ResponseHead(settings.head, found.from, target, refusing, details);
  return new OpenedRequest(new SessionRequest(services, found, head, persistent), head, sent);
}

const NO_DETAILS: RequestDetails = {};

/**
 * No source has read the token, and perhaps nothing is answered. So its age must not rotate it.
 */
const refuseRotation: Refusing = ([writer], purpose) => (purpose === 'rotation' ? writer : undefined);

/** Opens a request for a token that did not come in headers. */
export function openToken(settings: SourceSettings, token: string | undefined): OpenedRequest {
  const services = settings.services.forRequest();
  const sent = settings.sources.map(() => token);
  const found = findCredentials(settings, services, sent);
  const head = new ResponseHead(settings.head, undefined, { kind: 'collect' }, refuseRotation);
  return new OpenedRequest(new SessionRequest(services, found, head, false), head, sent);
}

/**
 * The first well-formed token in the order of the sources. If there is none, the first token of
 * another library.
 */
function findCredentials(
  { sources, foreign }: SourceSettings,
  services: Services,
  sent: readonly (string | undefined)[],
): Found {
  let other: Omit<Found, 'tokenSent'> | undefined;
  const tokenSent = sent.some((text) => text !== undefined && text !== '');
  let index = 0;
  for (const source of sources) {
    const text = sent[index];
    index += 1;
    if (text === undefined || text === '') continue;
    const credential = parseToken(text, services.settings.tokenPrefix);
    if (credential) return { credential, tokenSent, from: source };
    const found = other ? undefined : foreign(services, source, text);
    if (found) other = { ...found, from: source };
  }
  return { credential: null, from: undefined, ...other, tokenSent };
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

/**
 * Headers that only the browser can set. A page makes the connection parameters, so they do not
 * count for these names.
 */
const BROWSERS_OWN = /^(?:cookie|host|origin|upgrade|sec-.*)$/;
