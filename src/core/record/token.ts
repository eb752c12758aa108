import * as crypto from 'node:crypto';
import { v7 } from 'uuid';

/*
 * A token is `prefix + id + '.' + secret`. The id is public and finds the record. The secret
 * proves that the client received the token. A store only ever sees SHA-256 of the secret. Random
 * bits need no slow hash, and a copied database holds nothing that can be sent as a credential.
 * The record is looked up by the public id, so that the timing of an index can leak no secret.
 *
 * The secret is 32 bytes. The first 16 are the session's family. They stay the same through its
 * rotations, so that a token which was replaced long ago is still known to belong to the session.
 * The other 16 are the token's own.
 */

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/**
 * 32 bytes in base64url. The last character carries four bits. Only its canonical forms are
 * accepted, so that a token has only one spelling.
 */
const SECRET = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
const ID_LENGTH = 36;
const SECRET_LENGTH = 43;
const FAMILY_BYTES = 16;
const OWN_BYTES = 16;
/** 132 bits in base64url. Short, because every session in a store pays for each character. */
const FAMILY_HASH_LENGTH = 22;

/**
 * A token that a request has sent, or that is about to be given out. Its secret is private:
 * printing a credential, with all its fields or as JSON, shows only the id.
 */
export class Credential {
  readonly id: string;
  readonly #secret: string;
  readonly #hash: string;
  /** Whether it is another library's token. */
  readonly #foreign: boolean;

  constructor(id: string, secret: string, foreignHash?: string) {
    this.id = id;
    this.#secret = secret;
    this.#hash = foreignHash ?? sha256(secret);
    this.#foreign = foreignHash !== undefined;
  }

  /** SHA-256 of the secret, in base64url. */
  get hash(): string {
    return this.#hash;
  }

  /**
   * SHA-256 of the family in base64url, cut to about as many bits as the family has. `undefined`
   * for another library's token. Each call computes a hash.
   */
  familyHash(): string | undefined {
    return this.#foreign ? undefined : sha256(this.#family()).slice(0, FAMILY_HASH_LENGTH);
  }

  /**
   * Whether the token is of the family with this hash. Another library's token always is: the id
   * of a moved session is derived from that token, so the token has found its own record.
   */
  isOf(familyHash: string | undefined): boolean {
    if (this.#foreign) return true;
    return familyHash !== undefined && beginsWith(sha256(this.#family()), familyHash, FAMILY_HASH_LENGTH);
  }

  /**
   * The token that follows this one. The result is always the same, so that all calls that ask
   * with one token get the same successor, and a lost answer can be repeated.
   *
   * HMAC-SHA-256. The key is the whole old secret. The message is a label and the random value of
   * the record (`salt`). HMAC is a pseudorandom function, and 128 random bits of its key are in no
   * database. So without the old token the result looks random. An old token alone is not enough
   * either, because only the record holds the salt. HKDF would first make the key uniform, but the
   * secret already is. The family stays the same. Another library's token has no family, and gets
   * one from the same HMAC.
   */
  successor(salt: string): Credential {
    const made = crypto.createHmac('sha256', this.#secret).update(`token-sessions successor:${salt}`).digest();
    if (!this.#foreign) this.#family().copy(made);
    return new Credential(this.id, made.toString('base64url'));
  }

  /** A random token of the same family. For another library's token, a new family begins. */
  sibling(): Credential {
    const secret = crypto.randomBytes(FAMILY_BYTES + OWN_BYTES);
    if (!this.#foreign) this.#family().copy(secret);
    return new Credential(this.id, secret.toString('base64url'));
  }

  /** The token in the form that a client sends. */
  reveal(prefix: string): string {
    if (this.#foreign) throw new TypeError("another library's token is never handed out");
    return `${prefix}${this.id}.${this.#secret}`;
  }

  #family(): Buffer {
    return Buffer.from(this.#secret, 'base64url').subarray(0, FAMILY_BYTES);
  }
}

/** A random token of a new family, for a new session or for the session with this id. */
export function newCredential(id: string = v7()): Credential {
  return new Credential(id, crypto.randomBytes(FAMILY_BYTES + OWN_BYTES).toString('base64url'));
}

/** A random value of 128 bits for {@link Credential.successor}. */
export function newSalt(): string {
  return crypto.randomBytes(16).toString('base64url');
}

/**
 * The credential in a well-formed token, or `null`. The time depends on the length of a token, not
 * on the length of `text`.
 */
export function parseToken(text: string, prefix: string): Credential | null {
  if (text.length !== prefix.length + ID_LENGTH + 1 + SECRET_LENGTH || !text.startsWith(prefix)) return null;
  const point = prefix.length + ID_LENGTH;
  const id = text.slice(prefix.length, point);
  const secret = text.slice(point + 1);
  return text[point] === '.' && isSessionId(id) && SECRET.test(secret) ? new Credential(id, secret) : null;
}

export function isSessionId(id: unknown): id is string {
  return typeof id === 'string' && id.length === ID_LENGTH && ID.test(id);
}

/**
 * The credential of another library's token. `identity` identifies the token's session there. The
 * id is derived from it, so that the old token finds a moved session in one look-up, and two
 * requests that move it at the same time meet at one record. Successors are derived from the token
 * as it was sent (`text`), because the old store may know `identity`.
 */
export function legacyCredential(identity: string, text = identity): Credential {
  const bytes = crypto.createHash('sha256').update(`token-sessions legacy id:${identity}`).digest();
  // Made by hand, because it must never change. It has the form of a UUIDv7, with its version and
  // variant bits.
  bytes[6] = (bytes.readUInt8(6) & 0x0f) | 0x70;
  bytes[8] = (bytes.readUInt8(8) & 0x3f) | 0x80;
  const id = bytes.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  return new Credential(id, text, sha256(identity));
}

function sha256(value: string | Buffer): string {
  // One call takes half the time. Not every runtime has it.
  if (typeof crypto.hash === 'function') return crypto.hash('sha256', value, 'base64url');
  return crypto.createHash('sha256').update(value).digest('base64url');
}

const HASH_LENGTH = 43;
/*
 * Hashes are encoded into the same two arrays each time. A new array for each hash would be the
 * most expensive part of reading a session. Any text of a hash's length has room: UTF-8 takes at
 * most three bytes for each UTF-16 unit.
 */
const encoder = new TextEncoder();
const left = new Uint8Array(3 * HASH_LENGTH);
const right = new Uint8Array(3 * HASH_LENGTH);

/**
 * Compares two hashes in constant time. Text of another length, as in a damaged record, never
 * matches.
 */
export function sameHash(a: string, b: string): boolean {
  if (a.length !== HASH_LENGTH || b.length !== HASH_LENGTH) return false;
  encoder.encodeInto(a, left.fill(0));
  encoder.encodeInto(b, right.fill(0));
  return crypto.timingSafeEqual(left, right);
}

const MARK_LENGTH = 8;

/** The first 48 bits of a hash, enough to distinguish the few tokens that a session remembers. */
export function markOf(hash: string): string {
  return hash.slice(0, MARK_LENGTH);
}

/** Whether a hash begins with this mark, in constant time. */
export function hasMark(hash: string, mark: string): boolean {
  return beginsWith(hash, mark, MARK_LENGTH);
}

/** Whether a hash begins with this text, which must have this length. In constant time. */
function beginsWith(hash: string, beginning: string, length: number): boolean {
  return beginning.length === length && sameHash(beginning + hash.slice(length), hash);
}

/**
 * A new version for a write: 96 random bits. Short, because a store in memory holds one for each
 * session.
 */
export function newVersion(): string {
  return crypto.randomBytes(12).toString('base64url');
}

/** The length of a version that {@link newVersion} made. */
const VERSION_LENGTH = 16;

/**
 * A new version for a write that only moves the deadline. It holds the time of the activity,
 * because the body stays as it is.
 */
export function touchVersion(activeAt: number): string {
  return newVersion() + activeAt.toString(36);
}

/** The time in a version that {@link touchVersion} made. 0 for any other version. */
export function activityIn(version: string): number {
  if (version.length <= VERSION_LENGTH || version.length > VERSION_LENGTH + 11) return 0;
  const time = Number.parseInt(version.slice(VERSION_LENGTH), 36);
  return Number.isSafeInteger(time) ? time : 0;
}
