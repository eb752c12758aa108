import { isJsonObject, type JsonObject } from '../../core/data/json.js';
import { type Duration, parseDelay } from '../../core/duration.js';
import { SessionError } from '../../core/error.js';
import { checkOptions } from '../../core/options.js';
import { isSessionId } from '../../core/record/token.js';
import type { LegacySession, LegacySessions } from '../../legacy/legacy-sessions.js';
import { type CallbackStore, checkStore, describeWithoutMessage, isMissing } from './callback-store.js';
import { flatData, RESERVED } from './envelope.js';
import { verifiedSid } from './signature.js';
import { call, type Start, stateOf } from './store-state.js';

/** The options of {@link expressLegacy}. */
export interface ExpressLegacyOptions {
  /**
   * The secret with which express-session has signed its cookies, or all of them if it has had
   * several.
   *
   * @default none: the tokens are those of `express-token-session`, bare keys
   */
  readonly secret?: string | readonly string[];
  /**
   * How long a call to the store may go without calling back before it is given up.
   *
   * @default '10s'
   */
  readonly callbackTimeout?: Duration | undefined;
}

/** The longest token to accept. Browsers keep no longer cookies. */
const LONGEST = 4_096;
/** The form of a bare token. It contains nothing that a store could treat as a path. */
const BARE = /^[\w.~+=:@-]{1,256}$/;

/**
 * The sessions that `express-token-session` (without `secret`) or express-session (with `secret`)
 * has left in a store. For the option `legacy` of `header` and `cookie`. It reads and removes
 * sessions, and never writes one.
 *
 * @example
 * const legacy = expressLegacy(oldStore, { secret });
 * createSessions<Data>({ sources: [cookie('connect.sid', { legacy })] });
 *
 * @throws `INVALID_OPTION`
 */
export function expressLegacy(store: CallbackStore, options: ExpressLegacyOptions = {}): LegacySessions {
  const state = stateOf(checkStore(store, 'expressLegacy'));
  checkOptions(options, 'expressLegacy(store, options)');
  const patience = parseDelay(options.callbackTimeout ?? '10s', 'callbackTimeout');
  const secrets = 'secret' in options ? checkSecrets(options.secret) : undefined;
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
 * Excludes the public ids of this library, which are not tokens. Also excludes names that every
 * object inherits, because some stores crash on them.
 */
function bareKey(token: string): string | undefined {
  return BARE.test(token) && !isSessionId(token) && !(token in Object.prototype) ? token : undefined;
}

function legacySession(stored: unknown): LegacySession | null {
  if (!stored) return null;
  if (!isJsonObject(stored) || ArrayBuffer.isView(stored)) throw unreadable();
  // A record of this library can be found by its public id. It is not an old session.
  if (Object.hasOwn(stored, RESERVED)) return null;
  const expiresAt = expiryOf(stored);
  return { data: flatData(stored), ...(expiresAt !== undefined && { expiresAt }) };
}

/**
 * When the cookie of an express-session ends. The sessions of express-token-session have no
 * cookie. Only the store ends those.
 */
function expiryOf({ cookie }: JsonObject): number | undefined {
  const expires: unknown = isJsonObject(cookie) ? cookie['expires'] : undefined;
  if (expires === undefined || expires === null || expires === false) return undefined;
  const time = expires instanceof Date ? expires.getTime() : Date.parse(String(expires));
  if (Number.isNaN(time)) throw unreadable();
  return time;
}

/** Hides errors that may contain a token, because the keys of the old store are tokens. */
function withoutToken(error: unknown): undefined {
  if (isMissing(error)) return undefined;
  if (error instanceof SyntaxError) throw unreadable();
  throw new Error(`the old session store failed: ${describeWithoutMessage(error)}`);
}

function unreadable(): SessionError {
  return new SessionError('INVALID_DATA', 'the stored session of this token cannot be read');
}

/** Refuses `undefined` too: without a secret, the store's bare keys would count as tokens. */
function checkSecrets(secret: string | readonly string[] | undefined): readonly string[] {
  const secrets: readonly unknown[] = Array.isArray(secret) ? secret : [secret];
  const texts = secrets.filter((each) => typeof each === 'string' && each !== '');
  if (texts.length > 0 && texts.length === secrets.length) return texts.map(String);
  throw new SessionError(
    'INVALID_OPTION',
    'secret must be the secret of express-session: a string, or a list of strings. Leave it out for the tokens of express-token-session',
  );
}
