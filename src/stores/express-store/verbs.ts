import { isInvalid, SessionError } from '../../core/error.js';
import { isSessionId } from '../../core/record/token.js';
import type { SessionRecord } from '../../core/store.js';
import { partsOf } from '../shared/steps.js';
import { ownIds } from './all-sessions.js';
import { isMissing } from './callback-store.js';
import { unreadable, unwrap, wrap } from './envelope.js';
import { call, type Start, type StoreState } from './store-state.js';

/** How many sessions one step of a sweep looks at. Each is a `get`, one after the other. */
const SWEPT_AT_ONCE = 100;

/** The verbs of the store contract on a callback store. Operations on one session queue up. */
export class Verbs {
  readonly #state: StoreState;
  readonly #patience: number;

  /** @param patience the longest time that a call may take, in ms */
  constructor(state: StoreState, patience: number) {
    this.#state = state;
    this.#patience = patience;
  }

  async find(id: string): Promise<SessionRecord | null> {
    assertId(id);
    return this.#state.unlessDisconnected(() => this.#get(id));
  }

  async insert(record: SessionRecord, ttl: number): Promise<'inserted' | 'exists'> {
    return this.#inLine(record.id, async () => {
      const present = await this.#probe(record.id);
      if (present) return present.version === record.version ? 'inserted' : 'exists';
      await this.#set(record, ttl);
      return 'inserted';
    });
  }

  async replace(
    record: SessionRecord,
    expectedVersion: string,
    ttl: number,
  ): Promise<'replaced' | 'gone' | 'conflict'> {
    return this.#inLine(record.id, async () => {
      const present = await this.#get(record.id);
      if (!present) return 'gone';
      if (present.version !== expectedVersion) return 'conflict';
      await this.#set(record, ttl);
      return 'replaced';
    });
  }

  async delete(id: string): Promise<boolean> {
    return this.#inLine(id, async () => {
      const present = await this.#probe(id);
      if (present) await this.#destroy(id);
      this.#state.lateWrites.deleted(id);
      return present !== null;
    });
  }

  async count(length: Start): Promise<number> {
    const count = await this.#state.unlessDisconnected(() => this.#call(length));
    if (typeof count === 'number') return count;
    throw new Error(`the store's length called back with a value of type ${typeof count} instead of a number`);
  }

  async clear(clear: Start): Promise<void> {
    await this.#state.unlessDisconnected(() => this.#state.queue.runAlone(() => this.#call(clear)));
  }

  /**
   * Looks at all sessions, for stores that do not expire them. The first step gets them. Each
   * yields how many it has removed.
   */
  async *sweep(all: Start, now: number): AsyncGenerator<number> {
    const sessions = await this.#state.unlessDisconnected(() => this.#call(all));
    yield 0;
    for (const ids of partsOf(ownIds(sessions), SWEPT_AT_ONCE)) {
      let removed = 0;
      for (const id of ids) if (await this.#removeExpired(id, now)) removed += 1;
      yield removed;
    }
  }

  /** Removes a session that has expired. It may have been used or removed since it was listed. */
  #removeExpired(id: string, now: number): Promise<boolean> {
    return this.#inLine(id, async () => {
      const record = await this.#probe(id);
      if (record?.expiresAt === undefined || record.expiresAt > now) return false;
      await this.#destroy(id);
      return true;
    });
  }

  /** Runs the task after the earlier tasks of the same session. */
  async #inLine<Result>(id: string, task: () => Promise<Result>): Promise<Result> {
    assertId(id);
    const { queue } = this.#state;
    const asked = performance.now();
    return this.#state.unlessDisconnected(() =>
      queue.run(id, () => {
        // Otherwise a queue behind a store that does not answer could grow without limit.
        if (performance.now() - asked > this.#patience)
          throw new Error('earlier operations on this session took too long');
        return task();
      }),
    );
  }

  /** The stored record. If it exists but cannot be read, an object without a version. */
  async #probe(id: string): Promise<Partial<SessionRecord> | null> {
    try {
      return await this.#get(id);
    } catch (error) {
      if (isInvalid(error)) return {};
      throw error;
    }
  }

  async #get(id: string): Promise<SessionRecord | null> {
    const { store } = this.#state;
    return unwrap(
      id,
      await this.#call((callback) => store.get(id, callback)).catch((error) => whatIsMissing(id, error)),
    );
  }

  async #set(record: SessionRecord, ttl: number): Promise<void> {
    const { store, lateWrites } = this.#state;
    const { id } = record;
    const start: Start = (callback) => store.set(id, wrap(record, ttl), callback);
    await call(start, this.#patience, {
      givenUp: () => lateWrites.lost(id),
      // The late write has restored a session that was deleted meanwhile.
      late: () => lateWrites.returned(id) && this.#inLine(id, () => this.#destroy(id)).catch(() => undefined),
    });
  }

  async #destroy(id: string): Promise<void> {
    const { store } = this.#state;
    await this.#call((callback) => store.destroy(id, callback)).catch((error) => whatIsMissing(id, error));
  }

  #call(start: Start): Promise<unknown> {
    return call(start, this.#patience);
  }
}

function assertId(id: string): void {
  if (!isSessionId(id)) throw new SessionError('INVALID_OPTION', 'a session id must be a UUID in lower case');
}

/** Returns `undefined` if the store's error means that the session does not exist. */
function whatIsMissing(id: string, error: unknown): undefined {
  if (isMissing(error)) return undefined;
  if (error instanceof SyntaxError) throw unreadable(id, 'is not JSON');
  throw error;
}
