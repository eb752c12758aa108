import { SessionError } from '../core/error.js';
import type { TokenDelivery } from '../core/session/session.js';
import type { TokenSource } from './token-source.js';

/** As much of a Node response as is needed to set headers. */
export interface NodeResponse {
  readonly headersSent: boolean;
  setHeader(name: string, value: string | string[]): unknown;
  getHeader(name: string): number | string | string[] | undefined;
}

/** Where the headers of the response to this request can be written. */
export type ResponseTarget =
  /** They are collected, for somebody else to send. */
  | { readonly kind: 'collect'; readonly headers?: Headers }
  /** They are written to a Node response at once. */
  | { readonly kind: 'node'; readonly response: NodeResponse }
  /** There is no response to write to, as on a WebSocket. */
  | { readonly kind: 'none' };

/** The head of the response to one request: what the sources write there, and that what carries a token is not cached. */
export class ResponseHead implements TokenDelivery {
  #headers: Headers | undefined;
  readonly #writers: readonly TokenSource[];
  readonly #node: NodeResponse | undefined;
  #sealed: boolean;

  /** @param writers the sources that write to the response */
  constructor(writers: readonly TokenSource[], target: ResponseTarget) {
    this.#headers = target.kind === 'collect' ? target.headers : undefined;
    this.#writers = writers;
    this.#node = target.kind === 'node' ? target.response : undefined;
    this.#sealed = target.kind === 'none';
  }

  /** Made when they are first looked at, as most responses have none of ours. */
  get headers(): Headers {
    this.#headers ??= new Headers();
    return this.#headers;
  }

  assertWritable(): void {
    if (this.#writers.length === 0 || this.#isOpen()) return;
    throw new SessionError(
      'HEADERS_SENT',
      `the new token cannot be written to the response (${this.#writers.map((each) => each.name).join(', ')}): its headers have been sent, or it has none. ` +
        'Nothing was changed. Log in over a link that does not stream, such as httpBatchLink, or hand the token out in the body alone',
    );
  }

  isWritable(): boolean {
    return this.#writers.length > 0 && this.#isOpen();
  }

  issued(token: string, lifetime: number): void {
    if (!this.#isOpen()) return;
    // RFC 6750, section 5.3: what carries a token is not to be cached.
    this.headers.set('cache-control', 'no-store');
    this.#write(token, lifetime);
  }

  ended(): void {
    if (this.#isOpen()) this.#write(null, 0);
  }

  seal(): void {
    this.#sealed = true;
  }

  #isOpen(): boolean {
    return !this.#sealed && !this.#node?.headersSent;
  }

  #write(token: string | null, lifetime: number): void {
    const before = this.headers.getSetCookie();
    this.headers.delete('set-cookie');
    for (const source of this.#writers) source.write?.(this.headers, token, lifetime);
    const cookies = mergeCookies(before, this.headers.getSetCookie());
    this.headers.delete('set-cookie');
    for (const each of cookies) this.headers.append('set-cookie', each);
    const node = this.#node;
    if (!node) return;
    for (const [name, value] of this.headers) if (name !== 'set-cookie') node.setHeader(name, value);
    if (cookies.length > 0) node.setHeader('set-cookie', mergeCookies(node.getHeader('set-cookie'), cookies));
  }
}

/** Ours take the place of those that were written before, and stand beside the application's own. */
function mergeCookies(present: number | string | string[] | undefined, ours: readonly string[]): string[] {
  const all = present === undefined ? [] : Array.isArray(present) ? present : [String(present)];
  const names = new Set(ours.map(cookieName));
  return [...all.filter((each) => !names.has(cookieName(each))), ...ours];
}

function cookieName(setCookie: string): string {
  return setCookie.slice(0, setCookie.indexOf('='));
}
