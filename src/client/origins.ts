import { environment } from './environment.js';

/**
 * Returns a function that recognises the application's own origins. Only they get the token. It
 * logs a warning for each other origin, once.
 */
export function ownOrigins(origins: readonly string[] | undefined): (url: string) => boolean | undefined {
  if (!origins) throw new TypeError('no origins');
  const isOwn = new Map(origins.map((each) => [new URL(each).origin, true]));
  return (url) => {
    const { origin } = new URL(url, environment.document?.baseURI ?? environment.location?.href);
    if (!isOwn.has(origin)) {
      console.warn(`token-sessions: ${origin} is not in origins`);
      isOwn.set(origin, false);
    }
    return isOwn.get(origin);
  };
}
