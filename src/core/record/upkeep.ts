import { isRecent } from './match.js';
import type { ReplacedToken, SessionState, TokenState } from './state.js';
import { markOf } from './token.js';

/** Whether a token that is current is old enough for `rotateEvery`: and its predecessor may not be in its grace on any server. */
export function isRotationDue({ tokens }: SessionState, createdAt: number, every: number, now: number): boolean {
  if (tokens.previous && isRecent(tokens.previous, now)) return false;
  return now - (tokens.madeAt ?? createdAt) >= every;
}

/** Whether a source may still write a token for which `rotate` was called at `rotatedAt`: a late answer would replace a newer token. */
export function mayStillWrite(rotatedAt: number, now: number, grace: number): boolean {
  return now - rotatedAt <= grace;
}

/** Without what has had its time, above all the random value by which an old token could be used with a copy of the record. */
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

/** Whether {@link tidied} leaves something out: a reason to write a record that would only be touched. */
export function isUntidy({ previous, replaced }: TokenState, now: number): boolean {
  if (replaced?.some((each) => !isRecent(each, now))) return true;
  if (!previous || now < previous.until) return false;
  return previous.salt !== undefined || (isOfFamily(previous) && !isRecent(previous, now));
}

/** A token that the current one was derived from is of its family, which is enough to know it by. */
function isOfFamily({ kind }: NonNullable<TokenState['previous']>): boolean {
  return kind !== undefined;
}

const MOST_REMEMBERED = 6;

/** The tokens that opened the session a short time ago, the newest first. `ended`: those that end now, with their grace. */
export function remember(ended: readonly ReplacedToken[], tokens: TokenState, now: number): readonly ReplacedToken[] | undefined {
  const recent = [...ended, ...(tokens.replaced ?? [])].filter((each) => isRecent(each, now));
  if (recent.length === 0) return undefined;
  if (recent.length <= MOST_REMEMBERED) return recent;
  // Too many in a minute: every token of the family counts as one of the oldest.
  const oldest = recent.splice(MOST_REMEMBERED - 1);
  return [...recent, { mark: '', until: Math.max(...oldest.map(({ until }) => until)) }];
}

/** What is remembered of a token whose grace ends, or would end, at `until`. */
export function asReplaced({ hash, until }: { readonly hash: string; readonly until: number }): ReplacedToken {
  return { mark: markOf(hash), until };
}
