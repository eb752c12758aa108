import type { SessionRecord } from '../../core/store.js';

/*
 * All texts of a record in one string: a character for the length of the id, one for the length of
 * the version, then the id, the version and the body. A separate string for each would take 16
 * bytes and a reference more, and would be elsewhere in memory.
 */
const HEAD = 2;

export function pack({ id, version, body }: SessionRecord): string {
  return flat(String.fromCharCode(id.length, version.length), id, version, body);
}

export function unpack(text: string): Pick<SessionRecord, 'id' | 'version' | 'body'> {
  const version = endOfId(text);
  const body = version + text.charCodeAt(1);
  return { id: packedId(text), version: text.slice(version, body), body: text.slice(body) };
}

export function packedId(text: string): string {
  return text.slice(HEAD, endOfId(text));
}

export function hasId(text: string, id: string): boolean {
  return text.charCodeAt(0) === id.length && text.startsWith(id, HEAD);
}

export function hasVersion(text: string, version: string): boolean {
  return text.charCodeAt(1) === version.length && text.startsWith(version, endOfId(text));
}

/** Copies a text. A text that was cut out of a longer one would keep all of that in memory. */
export function ownCopy(text: string): string {
  return flat(text.slice(0, 1), text.slice(1));
}

/**
 * Joins the pieces into one flat text. Engines keep the result of `+` as a tree of its pieces, at
 * several times the size, until something reads the text.
 */
function flat(...pieces: string[]): string {
  return pieces.join('');
}

function endOfId(text: string): number {
  return HEAD + text.charCodeAt(0);
}
