import { EventEmitter } from 'node:events';
import connectPgSimple from 'connect-pg-simple';
import tokenSession from 'express-token-session';
import memorystore from 'memorystore';
import tokenSessionRedis from 'token-session-redis';

/*
 * Third-party stores. Those that are made by a function need `Store` only as something to inherit from: an event emitter will do,
 * without express-session.
 */

export const CheckedMemoryStore = memorystore({ Store: EventEmitter });
export const PgStore = connectPgSimple({ Store: EventEmitter });
export const RedisStoreOfTheAncestor = tokenSessionRedis({ Store: EventEmitter });

/** A store as the ancestor's users have written them: the required methods, and one that is recommended. */
export class OwnStore extends tokenSession.Store {
  readonly #rows = new Map<string, string>();

  get(sid: string, callback: (error?: unknown, session?: unknown) => void): void {
    const row = this.#rows.get(sid);
    process.nextTick(callback, null, row === undefined ? null : JSON.parse(row));
  }

  set(sid: string, session: object, callback: (error?: unknown) => void): void {
    this.#rows.set(sid, JSON.stringify(session));
    process.nextTick(callback);
  }

  destroy(sid: string, callback: (error?: unknown) => void): void {
    this.#rows.delete(sid);
    process.nextTick(callback);
  }

  length(callback: (error: unknown, length: number) => void): void {
    callback(null, this.#rows.size);
  }
}
