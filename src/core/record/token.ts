import * as crypto from 'node:crypto';
import { v7 } from 'uuid';

/*
 * A token is `prefix + id + '.' + secret`: the id is public and finds the record, the secret proves that its holder was
 * given the token. A store only ever sees the SHA-256 of the secret: 256 random bits need no slow hash, and a
 * copied database holds nothing that can be sent as a credential. Looking up by the public id leaves no secret for an
 * index to leak by its timing.
 */

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** 32 bytes in base64url. The last character carries four bits: only its canonical forms are accepted, so that a token has one spelling. */
const SECRET = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
const ID_LENGTH = 36;
const SECRET_LENGTH = 43;

/** What a token says, with the secret replaced by its hash: safe to keep. */
export interface Credential {
  readonly id: string;
  /** SHA-256 of the secret, in base64url. */
  readonly hash: string;
}

export interface MintedToken extends Credential {
  readonly token: string;
}

/** A new token, for a new session or for the one with this id. */
export function mintToken(prefix: string, id: string = v7()): MintedToken {
  const secret = crypto.randomBytes(32).toString('base64url');
  return { id, hash: hashSecret(secret), token: `${prefix}${id}.${secret}` };
}

/**
 * The token that follows another library's token: the same whenever it is made, so that parallel answers carry the same one, and a lost answer
 * is repeated by the next. `nonce` is known to the store alone, and `oldToken` to its holder alone: it takes both.
 */
export function successorToken(prefix: string, id: string, oldToken: string, nonce: string): MintedToken {
  const secret = crypto.createHmac('sha256', oldToken).update(`token-sessions successor:${nonce}`).digest('base64url');
  return { id, hash: hashSecret(secret), token: `${prefix}${id}.${secret}` };
}

/** The credential in a well-formed token, or `null`. Takes time bounded by the length of a token, not of `text`. */
export function parseToken(text: string, prefix: string): Credential | null {
  if (text.length !== prefix.length + ID_LENGTH + 1 + SECRET_LENGTH || !text.startsWith(prefix)) return null;
  const point = prefix.length + ID_LENGTH;
  const id = text.slice(prefix.length, point);
  const secret = text.slice(point + 1);
  return text[point] === '.' && isSessionId(id) && SECRET.test(secret) ? { id, hash: hashSecret(secret) } : null;
}

export function isSessionId(id: unknown): id is string {
  return typeof id === 'string' && id.length === ID_LENGTH && ID.test(id);
}

/**
 * The credential of another library's token, by what identifies its session there. The id follows from it, so that a session that was
 * moved is found by the old token in one look-up, and two requests that move it at once meet at one record.
 */
export function legacyCredential(identity: string): Credential {
  const bytes = crypto.createHash('sha256').update(`token-sessions legacy id:${identity}`).digest();
  // Made by hand, as it must never change: a UUIDv7 in form, with the version and the variant of one.
  bytes[6] = (bytes.readUInt8(6) & 0x0f) | 0x70;
  bytes[8] = (bytes.readUInt8(8) & 0x3f) | 0x80;
  const id = bytes.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  return { id, hash: hashSecret(identity) };
}

function hashSecret(secret: string): string {
  // At once, where the runtime can, takes half the time.
  if (typeof crypto.hash === 'function') return crypto.hash('sha256', secret, 'base64url');
  return crypto.createHash('sha256').update(secret).digest('base64url');
}

const HASH_LENGTH = 43;
/*
 * Hashes are encoded into the same two places each time: an array of its own for each would be the dearest part of reading a session. Any
 * text of a hash's length has room: UTF-8 takes at most three bytes for each UTF-16 unit.
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

/** A fresh version for a write: 96 random bits, short, as a store in memory holds one for each session. */
export function newVersion(): string {
  return crypto.randomBytes(12).toString('base64url');
}
