import { environment } from './environment.js';
import { isToken } from './token.js';
import type { Held, SessionClientOptions, TokenStorage } from './types.js';

/** The place where the token is kept. */
export interface Vault {
  /** A server, which lacks the storage of browsers. */
  readonly isServer: boolean;
  /** Tabs have this place, all together or each its own part of it. */
  readonly isForTabs: boolean;
  /** Whether all of them see the same token. */
  isShared(): boolean;
  /**
   * Hands over what is stored: at once where it can be, as pages show the session when they are
   * first drawn.
   */
  load(done: (stored: Held) => void): unknown;
  /** What other tabs may have stored; `own` where there is no such thing. */
  peek(own: Held): Held;
  /** Resolves when it is stored. */
  save(token: Held): Promise<void>;
}

export function openVault(key: string, option: NonNullable<SessionClientOptions['storage']>): Vault {
  const usesCookie = option === 'cookie';
  const isCustom = typeof option === 'object';
  const isBrowsers = !isCustom && option !== 'memory';
  // `undefined`: browsers would have one, and this is none. `null`: this program's memory.
  let storage: TokenStorage | null | undefined = isCustom ? option : null;
  let written = Promise.resolve();

  const fail = (error?: unknown): void => {
    storage = null;
    console.warn('token-sessions: storage is blocked or full', error);
  };
  const attempt = (run: () => unknown): unknown => {
    try {
      return run();
    } catch (error) {
      return fail(error);
    }
  };
  // With cookies, that nobody is signed in is stored as well: a new tab cannot tell otherwise.
  const parse = (stored: unknown): Held => (isToken(stored) ? stored : usesCookie && stored !== '' ? undefined : null);
  const read = (): unknown => attempt(() => storage?.getItem(key));
  const write: (token: Held) => void = (token) => (token || usesCookie ? storage?.setItem(key, token ?? '') : storage?.removeItem(key));
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
    isForTabs: isBrowsers && !isServer,
    isShared,
    load(done) {
      const found = read();
      return found instanceof Promise ? found.catch(fail).then((late) => done(parse(late))) : done(parse(found));
    },
    peek(own) {
      const stored = isShared() && read();
      return isShared() ? parse(stored) : own;
    },
    save(token) {
      // One after the other, as a storage of the application's own may take its time.
      if (isCustom) written = written.then(() => write(token)).catch(fail);
      else attempt(() => write(token));
      return written;
    },
  };
}
