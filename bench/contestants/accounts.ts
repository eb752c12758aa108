/** The session data of every contestant, as a typical application has it. */
export interface Account {
  readonly userId: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly theme: string;
  views: number;
}

/** The requests are spread over this many sessions. */
export const SESSIONS = 1_000;

export function accountOf(index: number): Account {
  return {
    userId: `user-${index}`,
    name: `Ada Lovelace ${index}`,
    roles: ['member', 'editor'],
    theme: 'dark',
    views: 0,
  };
}

/** One result for each session, in the order of their numbers. */
export function forEachSession<Result>(make: (account: Account, index: number) => Promise<Result>): Promise<Result[]> {
  return Promise.all(Array.from({ length: SESSIONS }, (_, index) => make(accountOf(index), index)));
}
