/**
 * A place to keep the token: `localStorage`, React Native's `AsyncStorage`, or one of your own.
 */
export interface TokenStorage {
  /** The text under the key, or `null`; also as a promise. */
  getItem(key: string): string | null | Promise<string | null>;
  /** Keeps the text under the key. */
  setItem(key: string, value: string): unknown;
  /** Forgets what is under the key. */
  removeItem(key: string): unknown;
}

/**
 * A token; `null`: signed out; `undefined`: not known. With cookies, a random text that is never
 * sent stands for the token.
 */
export type Held = string | null | undefined;

/** The step that the user must take before a refused request can be repeated. */
export interface StepUpNeed {
  /**
   * The longest time since the last login that the server accepts, in seconds. Absent where the
   * server did not say.
   */
  readonly maxAge?: number;
}

/** Options of `createSessionClient`. */
export interface SessionClientOptions {
  /**
   * Where the token is kept. With `'cookie'` the browser keeps it, and the client only remembers
   * that there is one.
   *
   * @default 'local'
   */
  readonly storage?: 'local' | 'session' | 'memory' | 'cookie' | TokenStorage;
  /**
   * The name of the token in the storage. Clients with the same key and kind of storage share
   * their session between tabs.
   *
   * @default 'token-session'
   */
  readonly key?: string;
  /**
   * The origins that get the token, such as `https://api.example.com`. Required where there is no
   * `location`, as on React Native.
   *
   * @default [location.origin]
   */
  readonly origins?: readonly string[];
  /**
   * The headers that carry the token. `authorization` carries `Bearer <token>`; a header of
   * another name carries the bare token.
   *
   * @default { request: 'authorization', response: 'session-token' }
   */
  readonly header?: { readonly request?: string; readonly response?: string };
  /**
   * The function that sends the requests.
   *
   * @default globalThis.fetch
   */
  readonly fetch?: typeof globalThis.fetch;
  /**
   * Asks the user to log in again, for requests that the server refuses because the last login is
   * too long ago. Resolve to `true` after `set(token)`: the requests are then repeated. Parallel
   * refusals share one call.
   *
   * @default none: the refusal goes to the caller
   */
  onStepUp?(need: StepUpNeed): Promise<boolean>;
}

/** A change of the session, in this tab or in another. */
export interface SessionChange {
  /**
   * `'started'`: another session than before, or the first. `'rotated'`: the same session with a
   * new token. `'ended'`: no session.
   */
  readonly type: 'started' | 'rotated' | 'ended';
  /**
   * Why it ended: the application called `clear()`, or the server refused the token. Absent where
   * it is not known.
   */
  readonly reason?: 'logout' | 'refused';
}

/**
 * The options of `fetch`, as the platform defines them. `undefined` is also allowed, because other
 * libraries pass it.
 */
export type FetchInit = { [K in keyof RequestInit]?: RequestInit[K] | undefined };

/** The session of this tab or app. All methods are bound: pass them on as they are. */
export interface SessionClient {
  /**
   * Call it after a login, a step-up or your own `rotate()`, with the new token; with `storage:
   * 'cookie'` without one.
   *
   * @throws on a server, where there is no storage
   */
  set(token?: string): Promise<void>;
  /** Call it after a logout. */
  clear(): Promise<void>;
  /** The newest token; `null` when signed out, and always with `storage: 'cookie'`. */
  token(): Promise<string | null>;
  /**
   * The public id of the session, which rotation does not change (`'cookie'` with a cookie).
   * `null`: signed out. `undefined`: not known yet. Fits `useSyncExternalStore`.
   */
  getSnapshot(): string | null | undefined;
  /**
   * Calls `listener` after each change, until the returned function is called. A listener is
   * called once, however often it is given.
   */
  subscribe(listener: (change: SessionChange) => void): () => void;
  /**
   * The platform's `fetch` with the session: sends the token to your own origins, takes a new one
   * from the answer, and repeats a refused request at most once.
   */
  fetch(input: string | URL | Request, init?: FetchInit): Promise<Response>;
  /** The newest token as connection parameters, for tRPC's `wsLink` and graphql-ws. */
  connectionParams(): Promise<Record<string, string>>;
  /**
   * For links of your own: does what `fetch` does with a refusal, and resolves to whether to
   * repeat the request. Call it only for requests of which nothing has run, and repeat at most
   * once.
   *
   * @param error what the request failed with
   * @param sent the token that the request was sent with, from `token()`
   */
  recover(error: unknown, sent: string | null): Promise<boolean>;
}
