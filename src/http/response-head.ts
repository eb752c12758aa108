import { SessionError } from '../core/error.js';
import { mayStillWrite } from '../core/record/upkeep.js';
import type { IssuedToken, ResponseHeadPort } from '../core/session/response-port.js';
import { whenCollected } from '../core/session/unsaved.js';
import type { NodeResponse } from './hosts.js';
import { onHead } from './node-head.js';
import { combined, EXPOSED, mergeCookies, putNodeHeaders, setCookies } from './put-headers.js';
import type { TokenSource, WritePurpose } from './token-source.js';

/** Where the headers of the response to this request can be written. */
export type ResponseTarget =
  /** They are collected, and sent by the host or the application. */
  | { readonly kind: 'collect'; readonly headers?: Headers }
  /** They are put on a Node response when its head is written. */
  | { readonly kind: 'node'; readonly response: NodeResponse }
  /** There is no response to write to, as on a WebSocket. `advice` says where there is one. */
  | { readonly kind: 'none'; readonly advice?: string };

export interface HeadOptions {
  /** The sources that write to the response. */
  readonly writers: readonly TokenSource[];
  /** The source that the request's token came from. */
  readonly from: TokenSource | undefined;
  readonly target: ResponseTarget;
  readonly now: () => number;
  /** The longest that a rotated token may take to leave, in ms. */
  readonly rotationGrace: number;
  /** The source that must not write for this request, if there is one. */
  readonly refusing: (writers: readonly TokenSource[], purpose: WritePurpose) => TokenSource | undefined;
  /** The request's method, where it is known. */
  readonly method: string | undefined;
}

/** Methods whose answers the page does not see. */
const UNSEEN_METHODS = new Set(['HEAD', 'OPTIONS']);

const ADVICE = 'Log in over a link that does not stream, such as httpBatchLink, or hand the token out in the body alone';

/** The last thing that the sources wrote: a token of this session, or its end. */
interface Written {
  readonly id: string;
  readonly isToken: boolean;
  readonly rotatedAt?: number | undefined;
}

/** Whether the application has read the headers that it must send itself. */
interface Reading {
  isRead: boolean;
  isWatched: boolean;
  readonly report: () => void;
}

/** The head of the response to one request: the sources write there, and tokens are not cached. */
export class ResponseHead implements ResponseHeadPort {
  #headers: Headers | undefined;
  readonly #options: HeadOptions;
  readonly #node: NodeResponse | undefined;
  #sealed: boolean;
  #written: Written | undefined;
  /** The headers that the sources last wrote. */
  #ours: Headers | undefined;
  #isOnNode = false;
  /** If only the application sends the headers. */
  #reading: Reading | undefined;

  constructor(options: HeadOptions) {
    const { target } = options;
    this.#options = options;
    this.#headers = target.kind === 'collect' ? target.headers : undefined;
    this.#node = target.kind === 'node' ? target.response : undefined;
    this.#sealed = target.kind === 'none';
  }

  /** Made when they are first looked at, as most responses have none of ours. */
  get headers(): Headers {
    this.#headers ??= new Headers();
    return this.#headers;
  }

  /** Whether there is nothing to send. */
  get isEmpty(): boolean {
    return !this.#headers || [...this.#headers].length === 0;
  }

  /** Whether a token, or its deletion, has to be sent. */
  get isWritten(): boolean {
    return this.#written !== undefined;
  }

  read(): Headers {
    if (this.#reading) this.#reading.isRead = true;
    return this.headers;
  }

  /**
   * Nothing sends the headers but the application: reports a token that is written and never read.
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
      const { target } = this.#options;
      const advice = (target.kind === 'none' && target.advice) || ADVICE;
      throw new SessionError(
        'HEADERS_SENT',
        `the new token cannot be written to the response (${names}): its headers have been sent, or it has none. Nothing was changed. ${advice}`,
      );
    }
    const refusing = this.#options.refusing(writers, 'login');
    if (!refusing) return;
    throw new SessionError(
      'CROSS_SITE',
      `the ${refusing.name} is not written for a request that another site's page made: that page could log a browser into its own account. ` +
        'Name the origins that may do so, such as those of a SAML or form_post callback, in csrf.trustedOrigins',
    );
  }

  isWritable(): boolean {
    return this.#writers.length > 0 && this.#isOpen();
  }

  mayRotate(): boolean {
    const { method, refusing } = this.#options;
    const isSeen = method === undefined || !UNSEEN_METHODS.has(method.toUpperCase());
    return isSeen && this.isWritable() && refusing(this.#writers, 'rotation') === undefined;
  }

  issued({ id, token, lifetime, rotatedAt }: IssuedToken): void {
    if (!this.#isOpen()) return;
    this.noStore();
    this.#write(this.#writers, { id, isToken: true, rotatedAt }, token, lifetime);
  }

  settle(): void {
    const rotatedAt = this.#written?.rotatedAt;
    const { now, rotationGrace } = this.#options;
    // A browser may hold a newer token by now, which a late answer would overwrite.
    if (rotatedAt === undefined || mayStillWrite(rotatedAt, now(), rotationGrace)) return;
    const ours = this.#ours ?? new Headers();
    for (const [name] of ours) if (name !== 'set-cookie' && name !== EXPOSED) this.headers.delete(name);
    const late = new Set(ours.getSetCookie());
    setCookies(
      this.headers,
      this.headers.getSetCookie().filter((each) => !late.has(each)),
    );
    this.#written = undefined;
  }

  ended(id: string): void {
    // The answer of a batch may carry another session's token: that one stays.
    if (!this.#isOpen() || (this.#written?.isToken && this.#written.id !== id)) return;
    this.#write(this.#options.writers, { id, isToken: false }, null, 0);
  }

  seal(): void {
    this.#sealed = true;
  }

  /** RFC 6750, section 5.3. */
  noStore(): void {
    this.headers.set('cache-control', 'no-store');
    this.#putOnNode();
  }

  /** A token goes to the source of the request's token, or to all that write if there was none. */
  get #writers(): readonly TokenSource[] {
    const { writers, from } = this.#options;
    return from ? writers.filter((each) => each === from) : writers;
  }

  #isOpen(): boolean {
    return !this.#sealed && !this.#node?.headersSent;
  }

  #write(sources: readonly TokenSource[], written: Written, token: string | null, lifetime: number): void {
    if (sources.length === 0) return;
    this.#watch();
    this.#written = written;
    const ours = new Headers();
    for (const source of sources) source.write?.(ours, token, lifetime);
    this.#ours = ours;
    for (const [name, value] of ours) {
      if (name !== 'set-cookie') this.headers.set(name, combined(name, value, this.headers.get(name)));
    }
    setCookies(this.headers, mergeCookies(this.headers.getSetCookie(), ours.getSetCookie()));
    this.#putOnNode();
  }

  #watch(): void {
    const reading = this.#reading;
    if (!reading || reading.isWatched) return;
    reading.isWatched = true;
    whenCollected(this, () => {
      if (!reading.isRead) reading.report();
    });
  }

  /** On a Node response our headers are put last, whatever handlers set after them. */
  #putOnNode(): void {
    const node = this.#node;
    if (!node || this.#isOnNode) return;
    // A response of another make has no moment before its head: it gets each header now.
    this.#isOnNode = onHead(node, () => {
      this.settle();
      putNodeHeaders(node, this.headers);
    });
    if (!this.#isOnNode) putNodeHeaders(node, this.headers);
  }
}
