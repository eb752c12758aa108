import { environment } from './environment.js';

/**
 * Tells requests to the application's own origins, which get the token, from all others, which
 * are warned of once each.
 */
export function ownOrigins(origins: readonly string[] | undefined): (url: string) => boolean | undefined {
  if (!origins) throw new TypeError('origins required');
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
