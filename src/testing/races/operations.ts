import { isSessionError } from '../../core/error.js';
import type { RotateOptions, Session } from '../../core/types.js';

/** The data of a session in a race. */
export type RaceData = Record<string, number>;

export type OperationName = keyof typeof RUN | 'expire';

/** The result of an operation. */
export interface Outcome {
  readonly name: OperationName;
  /** The number of the operation. `save` changes the field with this number. */
  readonly actor: number;
  /**
   * `'done'`; `'gone'`: refused with `SESSION_GONE`; `'replaced'`: refused with `TOKEN_REPLACED`;
   * `'anonymous'`: its token gave no access.
   */
  readonly result: 'done' | 'gone' | 'replaced' | 'anonymous';
  /** The token that `rotate` resolved to. */
  readonly token?: string;
}

/**
 * The operations that race on a session with one token. `expire` moves the clock past the
 * deadline.
 */
export const OPERATIONS: readonly OperationName[] = ['save', 'update', 'touch', 'rotate', 'destroy', 'expire'];
/** Rotations of each kind, which race on a session with one token. */
export const RIVALS: readonly OperationName[] = ['rotate', 'rotate reauthenticated', 'rotate immediately'];
/** The operations that race on a rotated session whose new token is unused. */
export const ROTATIONS: readonly OperationName[] = [
  'rotate',
  'rotate immediately',
  'use new token',
  'rotate new token',
  'save',
  'destroy',
];

/** The kinds of rotation. */
export const ROTATED_BY: Readonly<Partial<Record<OperationName, RotateOptions>>> = {
  rotate: {},
  'rotate new token': {},
  'rotate reauthenticated': { reauthenticated: true },
  'rotate immediately': { immediate: true },
};

const RUN = {
  save: async (session: Session<RaceData>, actor: number) => {
    session.data[fieldOf(actor)] = actor;
    await session.save();
  },
  update: async (session: Session<RaceData>) => {
    await session.update((data) => {
      data['count'] = Number(data['count']) + 1;
    });
  },
  touch: async (session: Session<RaceData>) => session.touch(),
  rotate: async (session: Session<RaceData>) => session.rotate(),
  'rotate reauthenticated': async (session: Session<RaceData>) => session.rotate({ reauthenticated: true }),
  'rotate immediately': async (session: Session<RaceData>) => session.rotate({ immediate: true }),
  'rotate new token': async (session: Session<RaceData>) => session.rotate(),
  // Loading the session with the token is a use of it.
  'use new token': async () => undefined,
  destroy: async (session: Session<RaceData>) => session.destroy(),
};

/** The field that `save` number `actor` sets. */
export function fieldOf(actor: number): string {
  return `field${actor}`;
}

export function holdsNewToken(name: OperationName): boolean {
  return name === 'use new token' || name === 'rotate new token';
}

const REFUSALS: Readonly<Record<string, 'gone' | 'replaced'>> = { SESSION_GONE: 'gone', TOKEN_REPLACED: 'replaced' };

/** Runs the operation. Any error that is not a refusal is thrown. */
export async function operate(
  name: keyof typeof RUN,
  actor: number,
  session: Session<RaceData> | null,
): Promise<Outcome> {
  if (!session) return { name, actor, result: 'anonymous' };
  try {
    const token = await RUN[name](session, actor);
    return { name, actor, result: 'done', ...(typeof token === 'string' && { token }) };
  } catch (error) {
    const refused = isSessionError(error) ? REFUSALS[error.code] : undefined;
    if (refused) return { name, actor, result: refused };
    throw error;
  }
}

/** All combinations of `size` operations, with repetitions. Time passes at most once. */
export function combinations(size: number, from: readonly OperationName[]): OperationName[][] {
  if (size === 0) return [[]];
  return from.flatMap((first, index) => {
    const rest = from.slice(first === 'expire' ? index + 1 : index);
    return combinations(size - 1, rest).map((others) => [first, ...others]);
  });
}
