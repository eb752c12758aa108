import type { NewSession, Session, SessionJson } from '../types.js';
import type { Call } from './call.js';

/**
 * Stands for a session whose stored record cannot be read. The caller is not anonymous, so every
 * member fails with the error of the read. The caller can still end the session, or replace it
 * with a login.
 */
export class UnreadableSession implements Session<unknown> {
  readonly id: string;
  readonly #call: Call;
  readonly #error: unknown;

  /** Whether the token fits the record, so that only the data is unreadable. */
  readonly isVerified: boolean;

  constructor(call: Call, id: string, error: unknown, isVerified: boolean) {
    this.#call = call;
    this.id = id;
    this.#error = error;
    this.isVerified = isVerified;
  }

  /** The error of the read. */
  get error(): unknown {
    return this.#error;
  }

  get data(): unknown {
    throw this.#error;
  }

  set data(_data: unknown) {
    throw this.#error;
  }

  get token(): undefined {
    return undefined;
  }

  get isNew(): boolean {
    return false;
  }

  get createdAt(): number {
    throw this.#error;
  }

  get lastActiveAt(): number {
    throw this.#error;
  }

  get authenticatedAt(): number {
    throw this.#error;
  }

  get expiresAt(): number {
    throw this.#error;
  }

  get signal(): AbortSignal {
    throw this.#error;
  }

  save(): Promise<void> {
    return Promise.reject(this.#error);
  }

  update(): Promise<unknown> {
    return Promise.reject(this.#error);
  }

  touch(): Promise<void> {
    return Promise.reject(this.#error);
  }

  reload(): Promise<void> {
    return Promise.reject(this.#error);
  }

  rotate(): Promise<string> {
    return Promise.reject(this.#error);
  }

  async destroy(): Promise<void> {
    await this.#call.destroyUnreadable();
  }

  toJSON(): SessionJson<unknown> {
    throw this.#error;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return { id: this.id };
  }
}

/** Whether this object stands for a session that could not be read. */
export function isUnreadable(session: Session<unknown> | NewSession<unknown>): session is UnreadableSession {
  // Checked by shape, because the object may come from another copy of the package.
  return 'isVerified' in session;
}
