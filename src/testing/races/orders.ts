import type { ModelCall, ModelRotation, TokenModel } from '../library/token-model.js';

/** An event with the tokens of a session. */
export type TokenAct =
  /** A request with this token, and whether it was served. */
  | { readonly kind: 'load'; readonly token: string; readonly opened: boolean }
  /**
   * A rotation by the call that was admitted last. `made`: the result, or `undefined` for
   * `TOKEN_REPLACED`.
   */
  | { readonly kind: 'rotate'; readonly how: ModelRotation; readonly made: string | undefined }
  /** From now on, the clock shows this time. */
  | { readonly kind: 'time'; readonly now: number };

/** The acts of one actor, in order. `call`: the call with which it begins. */
export interface Line {
  readonly call: ModelCall | null;
  readonly acts: readonly TokenAct[];
}

/** The tokens of a session in the model. */
export interface Known {
  readonly model: TokenModel;
  /** The text of each token by its number. */
  readonly texts: readonly string[];
  readonly now: number;
}

/**
 * Whether the model gives the same results in some order of these acts, followed by the
 * observations at the end. Lines run in parallel.
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

/** The state after an act, or `undefined` if the model would give another result. */
function after(known: Known, call: ModelCall | null, act: TokenAct): After | undefined {
  if (act.kind === 'time') return { known: { ...known, now: act.now }, call };
  return act.kind === 'load' ? afterLoad(known, act.token, act.opened) : afterRotation(known, call, act.how, act.made);
}

function afterLoad({ model, texts, now }: Known, token: string, opened: boolean): After | undefined {
  const number = texts.indexOf(token);
  // The model has not made this token yet.
  if (number === -1) return undefined;
  const [match] = model.matches(number, now);
  const opens = match === 'current' || match === 'pending' || match === 'grace';
  if (opens !== opened) return undefined;
  const next = model.copy();
  if (match === 'pending') next.use(number, now);
  return {
    known: { model: next, texts, now },
    call: opens ? { tokens: [number], replaced: match === 'grace' } : null,
  };
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
