import { createHash } from 'node:crypto';
import { SessionError } from '../../core/error.js';
import { isSessionId } from '../../core/record/token.js';

/** A glob pattern of the same length: `?` is any one character. */
const ID_GLOB = '????????-????-????-????-????????????';
const OWNER_GLOB = '?'.repeat(43);

/**
 * The names of all keys of a store: `<prefix>s:<id>` for a session, and `<prefix>o:<hash>` for the
 * index of an owner. The part after the prefix has a fixed length and alphabet. So two stores with
 * different prefixes never share a key.
 */
export class Keys {
  readonly prefix: string;
  /** The pub/sub channel of ended sessions. */
  readonly channel: string;
  readonly #full: string;

  /**
   * @param clientPrefix the text that the client itself puts before each key, but not before
   *   patterns and channels
   */
  constructor(prefix: string, clientPrefix: string) {
    this.prefix = prefix;
    this.#full = clientPrefix + prefix;
    this.channel = `${this.#full}ended`;
  }

  session(id: string): string {
    return `${this.prefix}s:${id}`;
  }

  /** A key that is never written. */
  get probe(): string {
    return `${this.prefix}p`;
  }

  /**
   * Hashed, because an owner is any text of any length. Encoded as UTF-16, because in UTF-8 all
   * lone surrogates would be equal.
   */
  owner(ownerId: string): string {
    return `${this.prefix}o:${createHash('sha256').update(ownerId, 'utf16le').digest('base64url')}`;
  }

  get sessionPattern(): string {
    return `${escapeGlob(this.#full)}s:${ID_GLOB}`;
  }

  get ownerPattern(): string {
    return `${escapeGlob(this.#full)}o:${OWNER_GLOB}`;
  }

  /**
   * The id in the name of a session's key on the server, or `undefined` if the name only looks
   * like one.
   */
  idOf(stored: string): string | undefined {
    const id = stored.slice(this.#full.length + 2);
    return isSessionId(id) ? id : undefined;
  }

  /** Converts the name of a key from the server's form to the client's form. */
  asSent(stored: string): string {
    return stored.slice(this.#full.length - this.prefix.length);
  }
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]^]/g, '\\$&');
}

/**
 * @throws `INVALID_OPTION` for a prefix that would make keys ambiguous. An empty prefix would
 *   claim the keys of other programs. Braces would put all sessions of a Cluster into one slot.
 *   Lone surrogates are all equal after encoding.
 */
export function checkPrefix(prefix: unknown): string {
  if (typeof prefix === 'string' && /^[^\s\p{C}{}]{1,128}$/u.test(prefix)) return prefix;
  throw new SessionError(
    'INVALID_OPTION',
    "prefix must be 1 to 128 visible characters without spaces and braces, such as 'ts:': all keys of the store begin with it",
  );
}
