import type { HeaderReader } from './header-reader.js';
import type { RequestDetails } from './token-source.js';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Whether a request with a cookie may have been made by another site's page: those are not to be trusted with an effect. Browsers
 * say so themselves in `Sec-Fetch-Site` (OWASP's first choice against CSRF); older ones send `Origin`, and clients that are no
 * browsers send neither and hold no ambient cookies. A request whose method is not known counts as one with an effect, and so does the upgrade
 * to a WebSocket, which no CORS protects.
 */
export function isCrossSite(header: HeaderReader, request: RequestDetails, trustedOrigins: readonly string[]): boolean {
  const method = request.method?.toUpperCase();
  if (method !== undefined && SAFE_METHODS.has(method) && !isUpgrade(header)) return false;
  const origin = header('origin');
  if (origin !== undefined && trustedOrigins.includes(origin)) return false;
  const site = header('sec-fetch-site');
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return origin !== undefined && !isOwnOrigin(origin, header('host'));
}

function isUpgrade(header: HeaderReader): boolean {
  return header('upgrade')?.toLowerCase() === 'websocket';
}

function isOwnOrigin(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && host !== undefined && new URL(origin).host === host.toLowerCase();
}
