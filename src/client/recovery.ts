import type { HeldToken } from './held-token.js';
import { type Finding, problemIn } from './problem.js';
import { isSameSession } from './token.js';
import type { Held, StepUpNeed } from './types.js';

/** A request that was sent. */
export interface Sent {
  readonly token: Held;
  /** Whether there was a newer token when the answer came. */
  readonly isOld: boolean;
  /** Whether the request was sent before, or the refusal in its answer was handled already. */
  isLast: boolean | undefined;
}

/** Handles a refusal. Resolves to whether the request must be sent again. */
export type Settle = (finding: Finding, sent: Sent) => Promise<boolean>;

export function settler(held: HeldToken, usesCookie: boolean, ask: (need: StepUpNeed) => unknown): Settle {
  let dialog: Promise<unknown> | undefined;

  return async ({ said, maxAge }, sent) => {
    const { token, isOld } = sent;
    const problem = problemIn(said);
    // The session ended while the call ran, so the call must not run again.
    const isLast = sent.isLast || said === 'SESSION_GONE';
    if (problem === 'ended') {
      // The browser may have received another cookie meanwhile. Only a second refusal is about the
      // newest cookie. A new mark may be another user's.
      if (isLast || !usesCookie) {
        await held.refuse(token);
      } else if (isOld) return false;
    } else if (problem !== 'step-up' || isLast) return false;
    else {
      sent.isLast = true;
      // All requests that are refused meanwhile share one question. There is no question if the
      // user has just answered one.
      if (!isOld) {
        dialog ??= Promise.resolve(maxAge ? { maxAge: +maxAge } : {})
          .then(ask)
          .catch(console.error)
          .finally(() => {
            dialog = undefined;
          });
        if ((await dialog) !== true) return false;
      }
    }
    const newest = held.newest();
    // A request for one session is never repeated for another, which may be another user's.
    return newest !== null && !isLast && (usesCookie || !token || isSameSession(token, newest));
  };
}
