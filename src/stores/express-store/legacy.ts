import { isJsonObject, type JsonObject } from '../../core/data/json.js';
import { type Duration, parseDuration } from '../../core/duration.js';
import { SessionError } from '../../core/error.js';
import { isSessionId } from '../../core/record/token.js';
import type { LegacySession, LegacySessions } from '../../legacy/legacy-sessions.js';
import { type CallbackStore, checkStore, describeWithoutMessage, isMissing } from './callback-store.js';
import { flatData, RESERVED } from './envelope.js';
import { verifiedSid } from './signature.js';
import { call, type Start, stateOf } from './store-state.js';

/** The options of {@link expressLegacy}. */
export interface ExpressLegacyOptions {
  /**
   * The secret by which express-session has signed its cookies, or all of them where it has had
   * several.
   *
   * @default none: the tokens are those of `express-token-session`, bare keys
   */
  readonly secret?: string | readonly string[] | undefined;
  /**
   * How long a call to the store may go without calling back before it is given up.
   *
   * @default '10s'
   */
  readonly callbackTimeout?: Duration | undefined;
}

/** The longest token that is looked at. Browsers keep no longer cookies. */
const LONGEST = 4_096;
/** What a bare token may be made of: nothing that a store could take for a path. */
const BARE = /^[\w.~+=:@-]{1,256}$/;

/**
 * The sessions that `express-token-session` (without `secret`) or express-session (with it) has
 * left in a store: for the option `legacy` of `header` and `cookie`. It reads and removes them,
 * and never writes.
 *
 * @example
 * const legacy = expressLegacy(oldStore, { secret });
 * createSessions<Data>({ sources: [cookie('connect.sid', { legacy })] });
 *
 * @throws `INVALID_OPTION`
 */
export function expressLegacy(store: CallbackStore, options: ExpressLegacyOptions = {}): LegacySessions {
  const state = stateOf(checkStore(store, 'expressLegacy'));
  const patience = parseDuration(options.callbackTimeout ?? '10s', 'callbackTimeout');
  const secrets = options.secret === undefined ? undefined : checkSecrets(options.secret);
  const ask = (start: Start) => state.unlessDisconnected(() => call(start, patience)).catch(withoutToken);
  return {
    scheme: secrets ? 'signed' : 'plain',
    keyOf: (token) => {
      if (token.length > LONGEST) return undefined;
      return secrets ? verifiedSid(token, secrets) : bareKey(token);
    },
    read: async (key) => legacySession(await ask((callback) => store.get(key, callback))),
    remove: async (key) => {
      await ask((callback) => store.destroy(key, callback));
    },
  };
}

/**
 * Public ids of this library are no tokens, and names that every object inherits have been seen to
 * crash a store.
 */
function bareKey(token: string): string | undefined {
  return BARE.test(token) && !isSessionId(token) && !(token in Object.prototype) ? token : undefined;
}

function legacySession(stored: unknown): LegacySession | null {
  if (!stored) return null;
  if (!isJsonObject(stored) || ArrayBuffer.isView(stored)) throw unreadable();
  // A record of this library is found by its public id: it is no old session.
  if (Object.hasOwn(stored, RESERVED)) return null;
  const expiresAt = expiryOf(stored);
  return { data: flatData(stored), ...(expiresAt !== undefined && { expiresAt }) };
}

/**
 * When the cookie of an express-session ends. Without one, as the ancestor has it, nothing but the
 * store ends the session.
 */
function expiryOf({ cookie }: JsonObject): number | undefined {
  const expires: unknown = isJsonObject(cookie) ? cookie['expires'] : undefined;
  if (expires === undefined || expires === null || expires === false) return undefined;
  const time = expires instanceof Date ? expires.getTime() : Date.parse(String(expires));
  if (Number.isNaN(time)) throw unreadable();
  return time;
}

/** The keys of the old store are tokens: no error that may hold one is let out of here. */
function withoutToken(error: unknown): undefined {
  if (isMissing(error)) return undefined;
  if (error instanceof SyntaxError) throw unreadable();
  throw new Error(`the old session store failed: ${describeWithoutMessage(error)}`);
}

function unreadable(): SessionError {
  return new SessionError('INVALID_DATA', 'what the old store has for this token cannot be read as a session');
}

function checkSecrets(secret: string | readonly string[]): readonly string[] {
  const secrets: readonly unknown[] = Array.isArray(secret) ? secret : [secret];
  const texts = secrets.filter((each) => typeof each === 'string' && each !== '');
  if (texts.length > 0 && texts.length === secrets.length) return texts.map(String);
  throw new SessionError('INVALID_OPTION', 'secret has to be what express-session was given: a text, or a list of texts');
}
