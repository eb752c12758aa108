import { newId, newToken } from './tokens.js';

/** A token as the server sees it. */
type Standing = 'current' | 'pending' | 'grace' | 'refused';

interface Record_ {
  readonly id: string;
  current: string;
  since: number;
  authenticatedAt: number;
  pending?: string | undefined;
  previous?: { readonly token: string; readonly until: number } | undefined;
}

/** The effect of a request on its session. */
export interface Visit {
  readonly id: string;
  readonly authenticatedAt: number;
  /** A successor for the answer. */
  readonly rotated: string | undefined;
}

/**
 * The server's part of a session, in memory: rules 21 and 22 of rotation, with plain rotations
 * only. Replaces the library until its own server part is used here.
 */
export class RotatingServer {
  readonly #records = new Map<string, Record_>();
  readonly #now: () => number;
  readonly #grace: number;
  readonly #rotateEvery: number;
  readonly #isPatient: boolean;

  /**
   * @param options with `isPatient`, no token is rotated whose predecessor is in its grace: late
   * cookies then do no harm
   */
  constructor({ now = Date.now, grace = 10_000, rotateEvery = Number.POSITIVE_INFINITY, isPatient = false } = {}) {
    this.#isPatient = isPatient;
    this.#now = now;
    this.#grace = grace;
    this.#rotateEvery = rotateEvery;
  }

  /** Begins a new session, and ends the one of the request. */
  login(previous: string | null): string {
    this.logout(previous);
    const id = newId();
    const token = newToken(id);
    this.#records.set(id, { id, current: token, since: this.#now(), authenticatedAt: this.#now() });
    return token;
  }

  logout(token: string | null): void {
    const record = this.#find(token);
    if (record) this.#records.delete(record.id);
  }

  /** Returns `undefined` if the token is refused. */
  visit(token: string | null): Visit | undefined {
    const record = this.#find(token);
    if (!record) return undefined;
    const standing = this.#use(record, token);
    const mayRotate = !this.#isPatient || this.#now() >= (record.previous?.until ?? 0);
    const isDue = standing === 'current' && mayRotate && this.#now() - record.since >= this.#rotateEvery;
    return {
      id: record.id,
      authenticatedAt: record.authenticatedAt,
      rotated: isDue ? this.#successor(record) : undefined,
    };
  }

  /**
   * Returns the successor, which is the same for all requests with one token. `undefined` if the
   * token was replaced and cannot rotate.
   */
  rotate(token: string | null): string | undefined {
    const record = this.#find(token);
    return record && this.#use(record, token) !== 'grace' ? this.#successor(record) : undefined;
  }

  /** A fresh token that replaces all others. */
  reauthenticate(token: string | null): string | undefined {
    const record = this.#find(token);
    if (!record) return undefined;
    record.previous = { token: record.current, until: this.#now() + this.#grace };
    record.current = newToken(record.id);
    record.since = record.authenticatedAt = this.#now();
    record.pending = undefined;
    return record.current;
  }

  /** Whether requests with this token succeed. */
  accepts(token: string | null): boolean {
    return this.#find(token) !== undefined;
  }

  #find(token: string | null): Record_ | undefined {
    for (const record of this.#records.values())
      if (token && this.#standing(record, token) !== 'refused') return record;
    return undefined;
  }

  #standing({ current, pending, previous }: Record_, token: string): Standing {
    if (token === current) return 'current';
    if (token === pending) return 'pending';
    return token === previous?.token && this.#now() < previous.until ? 'grace' : 'refused';
  }

  #use(record: Record_, token: string | null): Standing {
    const standing = this.#standing(record, token ?? '');
    if (standing === 'pending') {
      record.previous = { token: record.current, until: this.#now() + this.#grace };
      record.current = token ?? '';
      record.pending = undefined;
      record.since = this.#now();
    }
    return standing;
  }

  #successor(record: Record_): string {
    record.pending ??= newToken(record.id);
    return record.pending;
  }
}
