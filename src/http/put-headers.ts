import type { NodeResponse } from './hosts.js';

/** A header's values on a response, in the forms that hosts use. */
type Present = number | string | readonly string[] | null | undefined;

/** Puts the library's headers on a Fetch response. */
export function putHeaders(response: Headers, ours: Headers): void {
  for (const [name, value] of ours)
    if (name !== 'set-cookie') response.set(name, combined(name, value, response.get(name)));
  const cookies = ours.getSetCookie();
  if (cookies.length > 0) setCookies(response, mergeCookies(response.getSetCookie(), cookies));
}

/** Puts the library's headers on a Node response. */
export function putNodeHeaders(response: NodeResponse, ours: Headers): void {
  for (const [name, value] of ours) {
    if (name !== 'set-cookie') response.setHeader(name, combined(name, value, response.getHeader(name)));
  }
  const cookies = ours.getSetCookie();
  if (cookies.length > 0) response.setHeader('set-cookie', mergeCookies(response.getHeader('set-cookie'), cookies));
}

/** Removes the library's headers again. Those that others have set since stay. */
export function removeHeaders(response: Headers, ours: Headers): void {
  for (const [name, value] of ours) {
    if (isRemovable(name) && response.get(name) === value) response.delete(name);
  }
  setCookies(response, without(response.getSetCookie(), ours));
}

/** {@link removeHeaders} for a Node response. */
export function removeNodeHeaders(response: NodeResponse, ours: Headers): void {
  for (const [name, value] of ours) {
    if (isRemovable(name) && response.getHeader(name) === value) response.removeHeader?.(name);
  }
  const present = response.getHeader('set-cookie');
  if (present !== undefined) response.setHeader('set-cookie', without([present].flat().map(String), ours));
}

/** Others may still need the list of the headers that pages may read. */
function isRemovable(name: string): boolean {
  return name !== 'set-cookie' && name !== EXPOSED;
}

function without(cookies: readonly string[], ours: Headers): string[] {
  const gone = ours.getSetCookie();
  return cookies.filter((each) => !gone.includes(each));
}

/** The response, or a copy if its headers cannot change: those of a redirect, or of `fetch`. */
export function changeable(response: Response): Response {
  try {
    response.headers.delete(UNUSED);
    return response;
  } catch {
    return copyOf(response, response);
  }
}

/**
 * A response with the same body. It is the platform's own: the constructor of a subclass may take
 * other arguments, and the copies that a ponyfill makes, such as Yoga's on Node, have bodies
 * without a reader.
 */
export function copyOf(response: Response, init: ResponseInit): Response {
  return new Response(response.body, init);
}

/** To change headers without a change. */
const UNUSED = 'x-token-sessions';

/** Keeps a response out of caches. */
export function keepFromCaches(headers: Headers): void {
  headers.set('cache-control', combined('cache-control', 'no-store', headers.get('cache-control')));
}

/** Our value of a header, combined with the part of the application's value that must stay. */
export function combined(name: string, ours: string, present: Present): string {
  const theirs = present === null || present === undefined ? '' : String(present);
  // A proxy must not transform an event stream, so the host's directive stays.
  if (name === 'cache-control' && theirs.includes('no-transform') && !ours.includes('no-transform'))
    return `${ours}, no-transform`;
  return name === EXPOSED && theirs !== '' ? union(theirs, ours) : ours;
}

/** This header lets pages of other origins read a response header. */
export const EXPOSED = 'access-control-expose-headers';

function union(theirs: string, ours: string): string {
  const names = namesIn(theirs).map((name) => name.toLowerCase());
  return [theirs, ...namesIn(ours).filter((name) => !names.includes(name.toLowerCase()))].join(', ');
}

function namesIn(list: string): string[] {
  return list.split(',').map((name) => name.trim());
}

export function setCookies(headers: Headers, cookies: readonly string[]): void {
  headers.delete('set-cookie');
  for (const each of cookies) headers.append('set-cookie', each);
}

/** Our cookies replace those that we wrote earlier. The application's own cookies stay. */
export function mergeCookies(present: Present, ours: readonly string[]): string[] {
  const all = present === undefined || present === null ? [] : [present].flat().map(String);
  const names = new Set(ours.map(cookieName));
  return [...all.filter((each) => !names.has(cookieName(each))), ...ours];
}

function cookieName(setCookie: string): string {
  return setCookie.slice(0, setCookie.indexOf('='));
}
