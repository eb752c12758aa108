import type { HeldToken } from './held-token.js';
import type { Finding } from './problem.js';
import { isSameSession } from './token.js';
import type { Held, StepUpNeed } from './types.js';

/** A request that was sent. */
export interface Sent {
  readonly token: Held;
  /** There was a newer token when the answer came. */
  readonly isOld: boolean;
  /** It had been sent before, or the refusal in its answer has been dealt with. */
  isLast: boolean | undefined;
}

/**
 * Draws the consequences of a refusal, and resolves to whether the request is to be sent again.
 */
export type Settle = (finding: Finding, sent: Sent) => Promise<boolean>;

export function settler(held: HeldToken, usesCookie: boolean, ask: (need: StepUpNeed) => unknown): Settle {
  let dialog: Promise<unknown> | undefined;

  return async ({ problem, maxAge }, sent) => {
    const { token, isOld, isLast } = sent;
    if (problem === 'ended') {
      // The browser may have got another cookie meanwhile: only a second refusal is one of the
      // newest.
      if (isLast || !usesCookie) {
        await held.refuse(token);
      }
    } else if (problem !== 'step-up' || isLast) return false;
    else {
      sent.isLast = true;
      // One question for all that are refused meanwhile, and none where the user has answered one
      // meanwhile.
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
    // What was sent for one session is not repeated for another, which may be another user's.
    return !isLast && newest !== null && (usesCookie || !token || isSameSession(token, newest));
  };
}
