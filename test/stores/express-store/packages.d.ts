/* Packages without their own types, as far as the tests use them. */

declare module 'express-session' {
  import type { EventEmitter } from 'node:events';
  import type { IncomingMessage, ServerResponse } from 'node:http';

  type Callback = (error?: unknown, value?: unknown) => void;

  /** The methods of every store. */
  interface CallbackMethods extends EventEmitter {
    get(sid: string, callback: Callback): void;
    set(sid: string, session: object, callback?: Callback): void;
    destroy(sid: string, callback?: Callback): void;
  }

  /** The additional methods of stores in memory. */
  interface FullStore extends CallbackMethods {
    length(callback: Callback): void;
    clear(callback?: Callback): void;
    all(callback: Callback): void;
  }

  /** The properties of a request that a handler sees. */
  interface HandledSession {
    [field: string]: unknown;
    readonly id: string;
    destroy(callback: (error?: unknown) => void): this;
  }

  interface Options {
    readonly secret: string | string[];
    readonly store?: object;
    readonly resave: boolean;
    readonly saveUninitialized: boolean;
    readonly cookie?: object;
  }

  interface SessionOfExpress {
    (options: Options): (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void;
    readonly MemoryStore: new () => FullStore;
  }

  class Store {}
  interface SessionData {
    [field: string]: unknown;
  }
  const session: SessionOfExpress;

  export { type CallbackMethods, type FullStore, type HandledSession, type SessionData, Store };
  export default session;
}

declare module 'memorystore' {
  import type { FullStore } from 'express-session';
  export default function memorystore(host: { readonly Store: unknown }): new (options?: object) => FullStore;
}

declare module 'connect-pg-simple' {
  import type { CallbackMethods } from 'express-session';

  interface Options {
    readonly pool: unknown;
    readonly createTableIfMissing?: boolean;
    readonly pruneSessionInterval?: number | false;
  }
  export default function connectPgSimple(host: {
    readonly Store: unknown;
  }): new (
    options: Options,
  ) => CallbackMethods;
}

declare module 'express-token-session' {
  import type { EventEmitter } from 'node:events';
  import type { RequestHandler } from 'express';
  import type { FullStore } from 'express-session';

  /** The ancestor. */
  interface TokenSession {
    (options?: { readonly key?: string; readonly store?: object; readonly logger?: object }): RequestHandler;
    generate(req: object, token?: string): Record<string, unknown>;
    readonly Store: new () => EventEmitter;
    readonly MemoryStore: new () => FullStore;
  }
  const tokenSession: TokenSession;
  export default tokenSession;
}

declare module 'token-session-redis' {
  import type { CallbackMethods } from 'express-session';

  interface Options {
    readonly client: unknown;
    readonly ttl?: number;
    readonly disableTTL?: boolean;
    readonly prefix?: string;
  }
  export default function tokenSessionRedis(host: {
    readonly Store: unknown;
  }): new (
    options: Options,
  ) => CallbackMethods;
}
