/** The data of the sessions that are raced for. */
export interface Data {
  owner: string;
  count: number;
  a?: number;
  b?: number;
}

/** Where a worker finds the store. */
export type StoreConfig =
  | { readonly kind: 'redis'; readonly url: string }
  | { readonly kind: 'redis cluster'; readonly rootNodes: readonly { readonly url: string }[] }
  | {
      readonly kind: 'postgres';
      readonly config: {
        readonly host: string;
        readonly port: number;
        readonly user: string;
        readonly database: string;
      };
    }
  | { readonly kind: 'sqlite'; readonly path: string }
  /** express-session's way of using connect-redis, which is known to lose. */
  | { readonly kind: 'express-session'; readonly url: string };

/** A store of this library. */
export type OwnStore = Exclude<StoreConfig, { kind: 'express-session' }>;

export type Doing =
  | 'save a'
  | 'save b'
  | 'update'
  | 'touch'
  | 'rotate'
  | 'destroy'
  | 'create and use'
  | 'destroy the account';

export type Order =
  | { readonly do: 'open'; readonly config: StoreConfig }
  | { readonly do: 'create'; readonly count: number }
  | { readonly do: 'load'; readonly tokens: readonly string[] }
  | { readonly do: 'act'; readonly doing: Doing }
  | { readonly do: 'read'; readonly tokens: readonly string[] }
  | { readonly do: 'close' };

/** The outcome of one act. Times are in ms on a clock that all processes share. */
export interface Answer {
  readonly ok: boolean;
  readonly code?: string;
  /** A token that the act handed out. */
  readonly token?: string | undefined;
  readonly from: number;
  readonly to: number;
  /** On the first answer: the number of writes that met another one. */
  readonly conflicts?: number;
}
