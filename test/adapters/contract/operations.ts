import type { RequestSessions, Session, SessionContext, Sessions } from '../../../src/index.js';

export interface ContractData {
  userId: string;
  theme: string;
}

export type ContractContext = SessionContext<ContractData>;
type Own = { readonly session: Session<ContractData>; readonly sessions: RequestSessions<ContractData> };

/** The operations that everyone may call. Each takes the argument. */
export const publicOperations = {
  /** Returns the account, or `null` when anonymous. */
  whoAmI: async ({ session }: ContractContext, _value: string): Promise<string | null> => session?.data.userId ?? null,
  /** Logs the account `value` in and returns the token. */
  login: async ({ sessions }: ContractContext, value: string): Promise<string | null> =>
    (await sessions.create({ userId: value, theme: 'light' })).token,
  /** Logs the account `value` in, and then throws {@link Refusal}. */
  loginAndFail: async ({ sessions }: ContractContext, value: string): Promise<string | null> => {
    await sessions.create({ userId: value, theme: 'light' });
    throw new Refusal();
  },
};

/** The operations behind `requireSession`. */
export const protectedOperations = {
  theme: async ({ session }: Own, _value: string): Promise<string | null> => session.data.theme,
  /** Leaves the save to the adapter. */
  setTheme: async ({ session }: Own, value: string): Promise<string | null> => {
    session.data.theme = value;
    return value;
  },
  /**
   * Changes the draft, and then throws {@link Refusal}. The driver makes it an error of its host.
   */
  setThemeAndFail: async ({ session }: Own, value: string): Promise<string | null> => {
    session.data.theme = value;
    throw new Refusal();
  },
  /** Returns the new token. */
  rotate: async ({ session }: Own, _value: string): Promise<string | null> => session.rotate(),
  logout: async ({ session }: Own, _value: string): Promise<string | null> => {
    await session.destroy();
    return null;
  },
};

/** An error of the application itself. */
export class Refusal extends Error {
  constructor() {
    super('refused by the application');
  }
}

export type PublicOperation = keyof typeof publicOperations;
export type ProtectedOperation = keyof typeof protectedOperations;
export type Operation = PublicOperation | ProtectedOperation;

/** The client's view of the outcome. */
export interface Answer {
  readonly outcome:
    | 'ok'
    /** A required session is missing. */
    | 'unauthenticated'
    | 'unavailable'
    /** The host's name for an error inside the server. */
    | 'internal'
    /** Any other error, such as the application's own. */
    | 'refused';
  /** The result of a successful operation. */
  readonly value: string | null;
  /** The HTTP status; absent if the transport has none for each operation. */
  readonly status?: number | undefined;
  readonly headers?: Headers | undefined;
  /** All that the client received, as text: it must contain nothing of a token that was sent. */
  readonly text: string;
}

export interface Host {
  /**
   * Calls one operation, with its argument (`''` if it has none), as a client with these headers
   * would.
   */
  call(operation: Operation, value: string, headers: Readonly<Record<string, string>>): Promise<Answer>;
  stop(): Promise<void>;
}

export interface Driver {
  readonly name: string;
  /** `false` if no answer has headers that a source could write to. */
  readonly writes?: false;
  /** Serves the operations on a new server. */
  start(sessions: Sessions<ContractData>): Promise<Host>;
}
