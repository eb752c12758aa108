import type { Session } from '../../../src/index.js';
import { forged, type Hand } from './acts.js';
import type { Data, Part } from './types.js';

/** One session in the hands of one process. */
export interface Seat {
  readonly hand: Hand;
  /** The token that everybody begins with, and the session that it opened before anybody acted. */
  readonly old: string;
  readonly loaded: Session<Data>;
  readonly random: () => number;
  /** Tells the newcomer of a token, as soon as it is there. */
  publish(token: string): void;
}

/** What each part does, but for the newcomer's, who does nothing before it is given a token. */
export const PARTS: Readonly<Record<Exclude<Part, 'newcomer'>, (seat: Seat) => Promise<void>>> = {
  rotator: (seat) => rotateAndUse(seat, seat.loaded, false),
  'hasty rotator': (seat) => rotateAndUse(seat, seat.loaded, seat.random() < 0.5),
  async 'holder of the old'({ hand, old }) {
    await hand.use(old);
    await Promise.all([hand.use(forged(old)), hand.use(old)]);
    await hand.use(old);
  },
};

/** A client that takes a new token and uses it at once. Where that was replaced meanwhile, it tries once more with the old one. */
async function rotateAndUse({ hand, old, publish }: Seat, loaded: Session<Data>, immediate: boolean): Promise<void> {
  const made = await hand.rotate(old, loaded, immediate);
  if (made !== undefined) {
    publish(made);
    if (await hand.use(made)) return;
  }
  const again = await hand.use(old);
  if (!again) return;
  const next = await hand.rotate(old, again);
  if (next === undefined) return;
  publish(next);
  await hand.use(next);
}

/** Uses a token that somebody else was handed, and now and then goes on to rotate by it. */
export async function useAsNewcomer(hand: Hand, token: string, random: () => number): Promise<void> {
  const session = await hand.use(token);
  if (!session || random() < 0.7) return;
  const next = await hand.rotate(token, session);
  if (next !== undefined) await hand.use(next);
}
