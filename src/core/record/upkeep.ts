import { isRecent } from './match.js';
import type { ReplacedToken, SessionState, TokenState } from './state.js';
import { markOf } from './token.js';

/**
 * Whether the current token is old enough for `rotateEvery`. Its predecessor must not be in its
 * grace on any server.
 */
export function isRotationDue({ tokens }: SessionState, createdAt: number, every: number, now: number): boolean {
  if (tokens.previous && isRecent(tokens.previous, now)) return false;
  return now - (tokens.madeAt ?? createdAt) >= every;
}

/**
 * Whether a source may still write a token that was rotated at `rotatedAt`. A late answer would
 * replace a newer token.
 */
export function mayStillWrite(rotatedAt: number, now: number, grace: number): boolean {
  return now - rotatedAt <= grace;
}

/**
 * The tokens without expired parts. The most important of these is the salt: with it and a copy of
 * the record, an old token could be used.
 */
export function tidied(tokens: TokenState, now: number): TokenState {
  if (!isUntidy(tokens, now)) return tokens;
  const { previous, replaced, ...rest } = tokens;
  const recent = replaced?.filter((each) => isRecent(each, now));
  const kept = previous && (isRecent(previous, now) || !isOfFamily(previous)) ? previous : undefined;
  return {
    ...rest,
    previous: kept && now >= kept.until ? { ...kept, salt: undefined } : kept,
    replaced: recent?.length ? recent : undefined,
  };
}

/** Whether {@link tidied} would remove something. Then a touch must write the whole record. */
export function isUntidy({ previous, replaced }: TokenState, now: number): boolean {
  if (replaced?.some((each) => !isRecent(each, now))) return true;
  if (!previous || now < previous.until) return false;
  return previous.salt !== undefined || (isOfFamily(previous) && !isRecent(previous, now));
}

/** Whether the current token was derived from this one. Then the family is enough to know it. */
function isOfFamily({ kind }: NonNullable<TokenState['previous']>): boolean {
  return kind !== undefined;
}

const MOST_REMEMBERED = 6;

/**
 * The tokens that gave access a short time ago, newest first. `ended` are the tokens that end now,
 * each with the end of its grace.
 */
export function remember(
  ended: readonly ReplacedToken[],
  tokens: TokenState,
  now: number,
): readonly ReplacedToken[] | undefined {
  const recent = [...ended, ...(tokens.replaced ?? [])].filter((each) => isRecent(each, now));
  if (recent.length === 0) return undefined;
  if (recent.length <= MOST_REMEMBERED) return recent;
  // There were too many in a minute. One entry for every token of the family replaces the oldest.
  const oldest = recent.splice(MOST_REMEMBERED - 1);
  return [...recent, { mark: '', until: Math.max(...oldest.map(({ until }) => until)) }];
}

/** The entry for a token whose grace ends, or would end, at `until`. */
export function asReplaced({ hash, until }: { readonly hash: string; readonly until: number }): ReplacedToken {
  return { mark: markOf(hash), until };
}
