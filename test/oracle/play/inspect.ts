import type { Head } from './client.js';
import type { InitialSession, Turn } from './play.js';
import type { Round } from './round.js';
import type { Theatre } from './theatre.js';

/** The state at the end of a round. */
export interface Ending {
  /** The data of each session that was seen; `null` where it has ended. */
  readonly stored: ReadonlyMap<string, unknown>;
  /** All sessions of the users of the round, also those that no call was given. */
  readonly live: readonly string[];
  /** The session that each token opens. */
  readonly opens: ReadonlyMap<string, string | null>;
}

/** As many users as a round has at most. */
export const USERS = 3;

/** Looks at the store, and ends all sessions of the round. */
export async function inspect(
  { sessions }: Theatre,
  { userName }: Round,
  initial: readonly InitialSession[],
  turns: readonly Turn[],
  heads: readonly (Head | undefined)[],
): Promise<Ending> {
  const users = Array.from({ length: USERS }, (_, user) => userName(user));
  const seen = turns.flatMap(({ items }) => items.map((item) => item.seen));
  const ids = new Set([...initial.map(({ id }) => id), ...seen.flatMap((each) => strings(each['id'], each['ids']))]);
  const tokens = new Set([
    ...initial.map(({ token }) => token),
    ...seen.flatMap((each) => strings(each['token'], each['tokens'])),
  ]);
  for (const head of heads) for (const token of head?.cookies.map(cookieValue) ?? []) if (token) tokens.add(token);
  const live = (await Promise.all(users.map((user) => sessions.listFor(user)))).flat().map(({ id }) => id);
  const stored = new Map<string, unknown>();
  for (const id of [...ids, ...live]) stored.set(id, (await sessions.find(id))?.data ?? null);
  const opens = new Map<string, string | null>();
  for (const token of tokens) opens.set(token, (await sessions.fromToken(token)).session?.id ?? null);
  await Promise.all(users.map((user) => sessions.destroyFor(user)));
  return { stored, live, opens };
}

function strings(...values: readonly unknown[]): string[] {
  return values.flat().filter((value) => typeof value === 'string');
}

/** The value of the library's cookie; `undefined` for another one. */
export function cookieValue(line: string): string | undefined {
  return /^sid=([^;]*)/.exec(line)?.[1];
}
