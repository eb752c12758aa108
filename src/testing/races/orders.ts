import type { ModelCall, ModelRotation, TokenModel } from '../library/token-model.js';

/** What happened with the tokens of a session. */
export type TokenAct =
  /** A request with this token, and whether it was served. */
  | { readonly kind: 'load'; readonly token: string; readonly opened: boolean }
  /**
   * A rotation by the call that was let in last; `made`: the answer, `undefined` for
   * `TOKEN_REPLACED`.
   */
  | { readonly kind: 'rotate'; readonly how: ModelRotation; readonly made: string | undefined }
  /** The clock stands at this time from now on. */
  | { readonly kind: 'time'; readonly now: number };

/** The acts of one actor, one after the other; `call`: the one that it begins with. */
export interface Line {
  readonly call: ModelCall | null;
  readonly acts: readonly TokenAct[];
}

/** The tokens of a session as the model has them. */
export interface Known {
  readonly model: TokenModel;
  /** The text of each token by its number. */
  readonly texts: readonly string[];
  readonly now: number;
}

/**
 * Whether the model would have answered the same in some order of these acts, and of what was seen
 * at the end. Lines go on beside each other.
 */
export function isExplained(start: Known, lines: readonly Line[], end: readonly TokenAct[]): boolean {
  const going = lines.filter(({ acts }) => acts.length > 0);
  if (going.length === 0) return end.length === 0 || isExplained(start, [{ call: null, acts: end }], []);
  return going.some((line) => {
    const [act, ...acts] = line.acts;
    const next = act && after(start, line.call, act);
    if (!next) return false;
    const others = going.filter((each) => each !== line);
    return isExplained(next.known, [...others, { call: next.call, acts }], end);
  });
}

interface After {
  readonly known: Known;
  readonly call: ModelCall | null;
}

/** What is known after an act, or `undefined` where the model would have answered otherwise. */
function after(known: Known, call: ModelCall | null, act: TokenAct): After | undefined {
  if (act.kind === 'time') return { known: { ...known, now: act.now }, call };
  return act.kind === 'load' ? afterLoad(known, act.token, act.opened) : afterRotation(known, call, act.how, act.made);
}

function afterLoad({ model, texts, now }: Known, token: string, opened: boolean): After | undefined {
  const number = texts.indexOf(token);
  // A token that the model has not made yet.
  if (number === -1) return undefined;
  const [match] = model.matches(number, now);
  const opens = match === 'current' || match === 'pending' || match === 'grace';
  if (opens !== opened) return undefined;
  const next = model.copy();
  if (match === 'pending') next.use(number, now);
  return { known: { model: next, texts, now }, call: opens ? { tokens: [number], replaced: match === 'grace' } : null };
}

function afterRotation(
  { model, texts, now }: Known,
  call: ModelCall | null,
  how: ModelRotation,
  made: string | undefined,
): After | undefined {
  if (!call) return undefined;
  const next = model.copy();
  const number = next.rotate(call, how, now);
  if (number === undefined) return made === undefined ? { known: { model: next, texts, now }, call } : undefined;
  const isKnown = number < texts.length;
  const isRight = isKnown ? texts[number] === made : made !== undefined && !texts.includes(made);
  if (!isRight) return undefined;
  const known = { model: next, texts: isKnown || made === undefined ? texts : [...texts, made], now };
  return { known, call: { ...call, tokens: [...call.tokens, number] } };
}
