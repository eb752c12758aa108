import { SessionError } from '../core/error.js';
import { mayStillWrite } from '../core/record/upkeep.js';
import type { IssuedToken, ResponseHeadPort } from '../core/session/response-port.js';
import { whenCollected } from '../core/session/unsaved.js';
import type { NodeResponse } from './hosts.js';
import { onHead } from './node-head.js';
import {
  combined,
  mergeCookies,
  putNodeHeaders,
  removeHeaders,
  removeNodeHeaders,
  setCookies,
} from './put-headers.js';
import type { RequestDetails, TokenSource, WritePurpose } from './token-source.js';

/** Where the headers of the response can be written. */
export type ResponseTarget =
  /** The headers are collected. The host or the application sends them. */
  | { readonly kind: 'collect'; readonly headers?: Headers }
  /** The headers are put on a Node response when its head is written. */
  | { readonly kind: 'node'; readonly response: NodeResponse }
  /** There is no response to write to, as on a WebSocket. `advice` says which link has one. */
  | { readonly kind: 'none'; readonly advice?: string };

/** The settings that the heads of all responses share. */
export interface HeadSettings {
  /** The sources that write to the response. */
  readonly writers: readonly TokenSource[];
  readonly now: () => number;
  /** The longest time between a rotation and the head that carries its token, in ms. */
  readonly rotationGrace: number;
}

/** Returns the source that must not write for this request, if there is one. */
export type Refusing = (writers: readonly TokenSource[], purpose: WritePurpose) => TokenSource | undefined;

/** Methods whose answers the page does not see. */
const UNSEEN_METHODS = new Set(['HEAD', 'OPTIONS']);

const ADVICE = 'Log in over a link that does not stream, such as httpBatchLink, or return the token only in the body';

/** The last write of the sources: a token, or the end of a session. */
interface Written {
  readonly headers: Headers;
  readonly rotatedAt: number | undefined;
}

/** Whether the application has read the headers, which only it can send. */
interface Reading {
  isRead: boolean;
  isWatched: boolean;
  readonly report: () => void;
}

/** The head of the response to one request. Sources write to it. It keeps tokens out of caches. */
export class ResponseHead implements ResponseHeadPort {
  #headers: Headers | undefined;
  readonly #settings: HeadSettings;
  /** The sources that get a new token. */
  readonly #writers: readonly TokenSource[];
  readonly #target: ResponseTarget;
  readonly #refusing: Refusing;
  readonly #request: RequestDetails;
  readonly #node: NodeResponse | undefined;
  #sealed: boolean;
  #written: Written | undefined;
  /** The session that the client goes on with, even if no source writes its token. */
  #issued: string | undefined;
  #isOnNode = false;
  #isSecret = false;
  /** Set if only the application can send the headers. */
  #reading: Reading | undefined;

  /** @param from the source that the request's token came from */
  constructor(
    settings: HeadSettings,
    from: TokenSource | undefined,
    target: ResponseTarget,
    refusing: Refusing,
    request: RequestDetails = {},
  ) {
    const { writers } = settings;
    this.#settings = settings;
    // A new token goes to the source of the request's token. Without one, to all writers.
    this.#writers = from && writers.length > 0 ? writers.filter((each) => each === from) : writers;
    this.#target = target;
    this.#refusing = refusing;
    this.#request = request;
    this.#headers = target.kind === 'collect' ? target.headers : undefined;
    this.#node = target.kind === 'node' ? target.response : undefined;
    this.#sealed = target.kind === 'none';
  }

  /** Created at the first use, because most responses have no headers of ours. */
  get headers(): Headers {
    this.#headers ??= new Headers();
    return this.#headers;
  }

  /** Whether caches must not keep the answer. */
  get isSecret(): boolean {
    return this.#isSecret;
  }

  /** Whether there is nothing to send. */
  get isEmpty(): boolean {
    return !this.#headers || [...this.#headers].length === 0;
  }

  /** Whether the response must carry a token, or a token's deletion. */
  get isWritten(): boolean {
    return this.#written !== undefined;
  }

  read(): Headers {
    if (this.#reading) this.#reading.isRead = true;
    return this.headers;
  }

  /**
   * Declares that only the application can send the headers. `report` is called if a token is
   * written and never read.
   */
  expectReader(report: () => void): void {
    if (!this.#node) this.#reading ??= { isRead: false, isWatched: false, report };
  }

  get hasWriters(): boolean {
    return this.#writers.length > 0;
  }

  get sendsItself(): boolean {
    return this.#node !== undefined;
  }

  get nodeResponse(): NodeResponse | undefined {
    return this.#node;
  }

  assertWritable(isSealed = false): void {
    const writers = this.#writers;
    if (writers.length === 0) return;
    const names = writers.map(({ name }) => name).join(', ');
    if (isSealed || !this.#isOpen()) {
      const target = this.#target;
      const advice = (target.kind === 'none' && target.advice) || ADVICE;
      throw new SessionError(
        'HEADERS_SENT',
        `the new token cannot be written to the response (${names}): its headers have been sent, or it has none. Nothing was changed. ${advice}`,
      );
    }
    const refusing = this.#refusing(writers, 'login');
    if (!refusing) return;
    throw new SessionError(
      'CROSS_SITE',
      `the ${refusing.name} is not written, because a page of another site made the request: that page could log a browser into its own account. ` +
        'Add origins that may do this, such as those of a SAML or form_post callback, to csrf.trustedOrigins',
    );
  }

  isWritable(): boolean {
    return this.#writers.length > 0 && this.#isOpen();
  }

  mayRotate(): boolean {
    const { method } = this.#request;
    const isSeen = method === undefined || !UNSEEN_METHODS.has(method.toUpperCase());
    return isSeen && this.isWritable() && this.#refusing(this.#writers, 'rotation') === undefined;
  }

  issued({ id, token, lifetime, rotatedAt }: IssuedToken): void {
    if (!this.#isOpen()) return;
    this.noStore();
    this.#issued = id;
    this.#write(this.#writers, token, lifetime, rotatedAt);
  }

  settle(): void {
    // Handlers may have set the header since.
    if (this.#isSecret) this.headers.set('cache-control', 'no-store');
    const rotatedAt = this.#written?.rotatedAt;
    const { now, rotationGrace } = this.#settings;
    // The browser may hold a newer token by now. A late answer would overwrite it.
    if (rotatedAt !== undefined && !mayStillWrite(rotatedAt, now(), rotationGrace)) this.#takeBack();
  }

  ended(id: string): void {
    // The answer of a batch may carry another session's token, which must stay.
    if (!this.#isOpen() || (this.#issued ?? id) !== id) return;
    this.#issued = undefined;
    this.#write(this.#settings.writers, null, 0);
  }

  seal(): void {
    this.#sealed = true;
  }

  /** RFC 6750, section 5.3. */
  noStore(): void {
    this.#isSecret = true;
    this.headers.set('cache-control', 'no-store');
    this.#putOnNode();
  }

  #isOpen(): boolean {
    return !this.#sealed && !this.#node?.headersSent;
  }

  #write(sources: readonly TokenSource[], token: string | null, lifetime: number, rotatedAt?: number): void {
    // Sources that do not get this token must not end the session that it opens.
    this.#takeBack();
    if (sources.length === 0) return;
    this.#watch();
    const headers = new Headers();
    this.#written = { headers, rotatedAt };
    for (const source of sources) source.write?.(headers, token, lifetime);
    for (const [name, value] of headers) {
      if (name !== 'set-cookie') this.headers.set(name, combined(name, value, this.headers.get(name)));
    }
    setCookies(this.headers, mergeCookies(this.headers.getSetCookie(), headers.getSetCookie()));
    this.#putOnNode();
  }

  /** Removes the headers of the last write. */
  #takeBack(): void {
    if (!this.#written) return;
    const { headers } = this.#written;
    this.#written = undefined;
    removeHeaders(this.headers, headers);
    // A foreign response has the headers already.
    if (this.#node && !this.#isOnNode) removeNodeHeaders(this.#node, headers);
  }

  #watch(): void {
    const reading = this.#reading;
    if (!reading || reading.isWatched) return;
    reading.isWatched = true;
    whenCollected(this, () => {
      if (!reading.isRead) reading.report();
    });
  }

  /** Puts our headers on a Node response last, whatever handlers set later. */
  #putOnNode(): void {
    const node = this.#node;
    if (!node || this.#isOnNode) return;
    // A foreign response has no moment before its head, so it gets each header now.
    this.#isOnNode = onHead(node, () => {
      this.settle();
      putNodeHeaders(node, this.headers);
    });
    if (!this.#isOnNode) putNodeHeaders(node, this.headers);
  }
}
