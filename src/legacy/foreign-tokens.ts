import { SessionError } from '../core/error.js';
import type { Services } from '../core/kernel/services.js';
import { legacyCredential } from '../core/record/token.js';
import type { Credentials } from '../core/session/request.js';
import type { TokenSource } from '../http/token-source.js';
import type { LegacySessions } from './legacy-sessions.js';
import { LegacyMove } from './migration.js';

/** The credentials in another library's token. `undefined` if this source does not accept it. */
export function foreignCredentials(
  services: Services,
  source: TokenSource,
  text: string,
): Omit<Credentials, 'tokenSent'> | undefined {
  const sessions = source.legacy;
  const key = sessions?.keyOf(text);
  if (!sessions || key === undefined) return undefined;
  const credential = legacyCredential(`${sessions.scheme}:${key}`, text);
  const token = { sessions, key, isAnswered: source.write !== undefined };
  return { credential, foreign: (head) => new LegacyMove(services, token, credential, head) };
}

/** @throws `INVALID_OPTION` unless `legacy` is absent or the sessions of another library */
export function checkLegacy(legacy: LegacySessions | undefined): void {
  if (legacy === undefined) return;
  const methods = [legacy?.keyOf, legacy?.read, legacy?.remove];
  const hasMethods = methods.every((each) => typeof each === 'function');
  if (hasMethods && typeof legacy.scheme === 'string' && /^[A-Za-z0-9]+$/.test(legacy.scheme)) return;
  throw new SessionError(
    'INVALID_OPTION',
    "a source's legacy must be the sessions of another library, such as expressLegacy(store)",
  );
}
