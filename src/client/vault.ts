import { environment } from './environment.js';
import { isToken } from './token.js';
import type { Held, SessionClientOptions, TokenStorage } from './types.js';

/** The place that keeps the token. */
export interface Vault {
  /** Whether this is a server, without the storage of browsers. */
  readonly isServer: boolean;
  /** Whether tabs use this place, together or each for itself. */
  readonly tabs: boolean;
  /** Whether all tabs see the same token. */
  isShared(): boolean;
  /**
   * Passes on the stored token: immediately if the storage allows it, because pages show the
   * session when they are first drawn.
   */
  load(done: (stored: Held) => void): unknown;
  /** The token that other tabs may have stored. Without a shared place, `own`. */
  peek(own: Held): Held;
  /** Resolves when the token is stored. */
  save(token: Held): Promise<void>;
}

export function openVault(key: string, option: NonNullable<SessionClientOptions['storage']>): Vault {
  const usesCookie = option === 'cookie';
  const isCustom = typeof option === 'object';
  const isBrowsers = !isCustom && option !== 'memory';
  // `undefined`: browsers would have a storage here, but this is a server. `null`: memory only.
  let storage: TokenStorage | null | undefined = isCustom ? option : null;
  let written = Promise.resolve();

  const fail = (error?: unknown): void => {
    storage = null;
    console.warn('token-sessions: no storage', error);
  };
  const attempt = (run: () => unknown): unknown => {
    try {
      return run();
    } catch (error) {
      return fail(error);
    }
  };
  // With cookies, the storage also holds that the user is signed out. A new tab could not know it
  // otherwise.
  const parse = (stored: unknown): Held => (isToken(stored) ? stored : usesCookie && stored !== '' ? undefined : null);
  const read = (): unknown => attempt(() => storage?.getItem(key));
  const write: (token: Held) => void = (token) =>
    token || usesCookie ? storage?.setItem(key, token ?? '') : storage?.removeItem(key);
  const isShared = (): boolean => !!storage && (usesCookie || option === 'local');

  if (isBrowsers) {
    attempt(() => {
      storage = environment[`${option === 'session' ? option : 'local'}Storage`];
      if (storage === null) fail();
    });
  }
  const isServer = storage === undefined;

  return {
    isServer,
    tabs: isBrowsers && !isServer,
    isShared,
    load(done) {
      const found = read();
      const finish = (stored: unknown): void => done(parse(stored));
      // Not every promise is the platform's.
      return 'then' in Object(found) ? Promise.resolve(found).catch(fail).then(finish) : finish(found);
    },
    peek(own) {
      const stored = isShared() && read();
      return isShared() ? parse(stored) : own;
    },
    save(token) {
      // One after the other, because a storage of the application may be slow.
      if (isCustom) written = written.then(() => write(token)).catch(fail);
      else attempt(() => write(token));
      return written;
    },
  };
}
