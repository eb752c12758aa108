import { isSessionError, SessionError } from '../../core/error.js';
import type { LimitedInsert, OwnerLimit, OwnerTrim } from '../../core/store.js';

/** The limit for the owner's other sessions, after an insert within a limit. */
export function trimFor(id: string, { max, now, replaces }: OwnerLimit): OwnerTrim {
  return { max, now, keep: id, ...(replaces !== undefined && { ignore: replaces }) };
}

/** The steps of an insert that has inserted its record and now evicts others. */
export async function* evicting(steps: AsyncIterable<readonly string[]>): AsyncGenerator<LimitedInsert> {
  yield { outcome: 'inserted', evicted: [] };
  for await (const evicted of steps) yield { outcome: 'inserted', evicted };
}

/**
 * An insert of several steps. If one fails, the record is removed again and the failure is a
 * `SessionError`. After any other error, the library would look whether the record arrived, and
 * keep it.
 */
export async function* whollyOrNot<Step>(
  steps: AsyncIterable<Step>,
  takeBack: () => Promise<unknown>,
): AsyncGenerator<Step> {
  try {
    yield* steps;
  } catch (cause) {
    await takeBack().catch(() => undefined);
    if (isSessionError(cause)) throw cause;
    throw new SessionError(
      'STORE_UNAVAILABLE',
      "the session store failed before the session was complete: see the error's cause",
      {
        cause,
      },
    );
  }
}
