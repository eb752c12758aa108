import type { RotateOptions } from '../../../src/index.js';
import { forged, type Hand, type NamedCall } from './acts.js';
import type { Part } from './types.js';

/** One session in the hands of one process. */
export interface Seat {
  readonly hand: Hand;
  /** The first token of all players, and the call that it admitted before the race. */
  readonly old: string;
  readonly loaded: NamedCall;
  readonly random: () => number;
  /** Passes a token on to the newcomer, as soon as it is there. */
  publish(token: string): void;
}

/** The work of each part except the newcomer, who does nothing before it is given a token. */
export const PARTS: Readonly<Record<Exclude<Part, 'newcomer'>, (seat: Seat) => Promise<void>>> = {
  rotator: (seat) => rotateAndUse(seat, {}),
  'hasty rotator': (seat) => rotateAndUse(seat, { immediate: seat.random() < 0.5 }),
  prover: (seat) => rotateAndUse(seat, { reauthenticated: seat.random() < 0.8 }),
  async 'holder of the old'({ hand, old }) {
    await hand.use(old);
    await Promise.all([hand.use(forged(old)), hand.use(old)]);
    await hand.use(old);
  },
};

/**
 * A client that takes a new token and uses it at once. If it gets none that works, it tries again
 * with the old one.
 */
async function rotateAndUse({ hand, old, loaded, publish }: Seat, how: RotateOptions): Promise<void> {
  const made = await hand.rotate(loaded, how);
  if (made !== undefined) {
    publish(made);
    if (await hand.use(made)) return;
  }
  const again = await hand.use(old);
  if (!again) return;
  const next = await hand.rotate(again);
  if (next === undefined) return;
  publish(next);
  await hand.use(next);
}

/** Uses a token that another process got, and now and then continues to rotate with it. */
export async function useAsNewcomer(hand: Hand, token: string, random: () => number): Promise<void> {
  const call = await hand.use(token);
  if (!call || random() < 0.7) return;
  const next = await hand.rotate(call);
  if (next !== undefined) await hand.use(next);
}
