import { EventEmitter } from 'node:events';
import connectPgSimple from 'connect-pg-simple';
import tokenSession from 'express-token-session';
import memorystore from 'memorystore';
import tokenSessionRedis from 'token-session-redis';

/*
 * Third-party stores. A function makes some of them, and needs `Store` only as a base class: an
 * event emitter suffices, without express-session.
 */

export const CheckedMemoryStore = memorystore({ Store: EventEmitter });
export const PgStore = connectPgSimple({ Store: EventEmitter });
export const RedisStoreOfTheAncestor = tokenSessionRedis({ Store: EventEmitter });

/**
 * A store as the ancestor's users have written it: the required methods, and a recommended one.
 */
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
