import * as crypto from 'node:crypto';
import { v7 } from 'uuid';

/*
 * A token is `prefix + id + '.' + secret`: the id is public and finds the record, the secret proves that its holder was
 * given the token. A store only ever sees SHA-256 of the secret: random bits need no slow hash, and a copied database
 * holds nothing that can be sent as a credential. Looking up by the public id leaves no secret for an index to leak by its timing.
 *
 * The secret is 32 bytes. The first 16 are the session's family: they stay the same through its rotations, so that a token which
 * was replaced long ago is still known as one of the session's. The other 16 are the token's own.
 */

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** 32 bytes in base64url. The last character carries four bits: only its canonical forms are accepted, so that a token has one spelling. */
const SECRET = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
const ID_LENGTH = 36;
const SECRET_LENGTH = 43;
const FAMILY_BYTES = 16;
const OWN_BYTES = 16;
/** 132 bits in base64url. Each session in a store pays for each character. */
const FAMILY_HASH_LENGTH = 22;

/**
 * A token that a request has sent, or that is about to be handed out. Its secret is private: printing a credential, with all its
 * fields or as JSON, shows the id alone.
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
   * SHA-256 of the family, as many bits of it as the family has, in base64url; `undefined` for another library's token. Costs a
   * hash each time.
   */
  familyHash(): string | undefined {
    return this.#foreign ? undefined : sha256(this.#family()).slice(0, FAMILY_HASH_LENGTH);
  }

  /**
   * Whether it is of the family with this hash. The id of a moved session follows from the old token, so that another library's
   * token which has found a record is always of its family.
   */
  isOf(familyHash: string | undefined): boolean {
    if (this.#foreign) return true;
    return familyHash !== undefined && beginsWith(sha256(this.#family()), familyHash, FAMILY_HASH_LENGTH);
  }

  /**
   * The token that follows this one: the same whenever it is made, so that all who ask with one token get the same, and a lost
   * answer can be repeated.
   *
   * HMAC-SHA-256 with the whole old secret as the key, and a label and the random value of the record (`salt`) as the message. It is
   * a pseudorandom function, and its key has 128 random bits that are in no database: without the old token the result cannot be told
   * from random. An old token alone does not yield it either, as the salt is known to the record alone. HKDF would first make a uniform
   * key; the secret is one already. The family is kept; another library's token has none, and gets one from the same HMAC.
   */
  successor(salt: string): Credential {
    const made = crypto.createHmac('sha256', this.#secret).update(`token-sessions successor:${salt}`).digest();
    if (!this.#foreign) this.#family().copy(made);
    return new Credential(this.id, made.toString('base64url'));
  }

  /** A random token of the same family. Another library's token has none: a new one begins. */
  sibling(): Credential {
    const secret = crypto.randomBytes(FAMILY_BYTES + OWN_BYTES);
    if (!this.#foreign) this.#family().copy(secret);
    return new Credential(this.id, secret.toString('base64url'));
  }

  /** The token as a client sends it. */
  reveal(prefix: string): string {
    if (this.#foreign) throw new TypeError("another library's token is never handed out");
    return `${prefix}${this.id}.${this.#secret}`;
  }

  #family(): Buffer {
    return Buffer.from(this.#secret, 'base64url').subarray(0, FAMILY_BYTES);
  }
}

/** A random token of a new family, for a new session or for the one with this id. */
export function newCredential(id: string = v7()): Credential {
  return new Credential(id, crypto.randomBytes(FAMILY_BYTES + OWN_BYTES).toString('base64url'));
}

/** A random value for {@link Credential.successor}: 128 bits. */
export function newSalt(): string {
  return crypto.randomBytes(16).toString('base64url');
}

/** The credential in a well-formed token, or `null`. Takes time bounded by the length of a token, not of `text`. */
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
 * The credential of another library's token, by what identifies its session there. The id follows from it, so that a session that was
 * moved is found by the old token in one look-up, and two requests that move it at once meet at one record. Successors are derived from
 * the token as it was sent (`text`): what identifies its session may be known to the old store.
 */
export function legacyCredential(identity: string, text = identity): Credential {
  const bytes = crypto.createHash('sha256').update(`token-sessions legacy id:${identity}`).digest();
  // Made by hand, as it must never change: a UUIDv7 in form, with the version and the variant of one.
  bytes[6] = (bytes.readUInt8(6) & 0x0f) | 0x70;
  bytes[8] = (bytes.readUInt8(8) & 0x3f) | 0x80;
  const id = bytes.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  return new Credential(id, text, sha256(identity));
}

function sha256(value: string | Buffer): string {
  // In one call, where the runtime can, takes half the time.
  if (typeof crypto.hash === 'function') return crypto.hash('sha256', value, 'base64url');
  return crypto.createHash('sha256').update(value).digest('base64url');
}

const HASH_LENGTH = 43;
/*
 * Hashes are encoded into the same two places each time: an array of its own for each would be the most expensive part of reading a
 * session. Any text of a hash's length has room: UTF-8 takes at most three bytes for each UTF-16 unit.
 */
const encoder = new TextEncoder();
const left = new Uint8Array(3 * HASH_LENGTH);
const right = new Uint8Array(3 * HASH_LENGTH);

/** Compares two hashes in constant time. Text of another length, as in a damaged record, equals none. */
export function sameHash(a: string, b: string): boolean {
  if (a.length !== HASH_LENGTH || b.length !== HASH_LENGTH) return false;
  encoder.encodeInto(a, left.fill(0));
  encoder.encodeInto(b, right.fill(0));
  return crypto.timingSafeEqual(left, right);
}

const MARK_LENGTH = 8;

/** The beginning of a hash: 48 bits, enough to distinguish the few tokens that a session remembers. */
export function markOf(hash: string): string {
  return hash.slice(0, MARK_LENGTH);
}

/** Whether a hash begins with this mark, in constant time. */
export function hasMark(hash: string, mark: string): boolean {
  return beginsWith(hash, mark, MARK_LENGTH);
}

/** Whether a hash begins with this text of this length, in constant time. */
function beginsWith(hash: string, beginning: string, length: number): boolean {
  return beginning.length === length && sameHash(beginning + hash.slice(length), hash);
}

/** A fresh version for a write: 96 random bits, short, as a store in memory holds one for each session. */
export function newVersion(): string {
  return crypto.randomBytes(12).toString('base64url');
}

/** A version of its own, as {@link newVersion} makes it. */
const VERSION_LENGTH = 16;

/** A fresh version for a write that moves the deadline alone: the time of the activity is in it, as the body stays as it is. */
export function touchVersion(activeAt: number): string {
  return newVersion() + activeAt.toString(36);
}

/** The time in a version that {@link touchVersion} made; 0 for any other. */
export function activityIn(version: string): number {
  if (version.length <= VERSION_LENGTH || version.length > VERSION_LENGTH + 11) return 0;
  const time = Number.parseInt(version.slice(VERSION_LENGTH), 36);
  return Number.isSafeInteger(time) ? time : 0;
}
