import { randomBytes } from 'node:crypto';
import { isSessionError, type Session, type Sessions } from '../../../src/index.js';
import type { Act, Data } from './types.js';

/** Milliseconds on a clock that all processes of the machine share. */
export const monotonic = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;

export const codeOf = (error: unknown): string => (isSessionError(error) ? error.code : String(error));

/** Does things with one session, and notes what came of each. */
export class Hand {
  readonly acts: Act[] = [];
  readonly #sessions: Sessions<Data>;

  constructor(sessions: Sessions<Data>) {
    this.#sessions = sessions;
  }

  /** A request with this token: the session, or `null` where it was not served. */
  async use(token: string): Promise<Session<Data> | null> {
    const from = monotonic();
    try {
      const { session } = await this.#sessions.fromToken(token);
      this.acts.push({ kind: 'use', token, ok: session !== null, from, to: monotonic() });
      return session;
    } catch (error) {
      this.acts.push({ kind: 'use', token, ok: false, code: codeOf(error), from, to: monotonic() });
      return null;
    }
  }

  /** Rotates by a session that was loaded with the token `by`. */
  async rotate(by: string, session: Session<Data>, immediate = false): Promise<string | undefined> {
    const from = monotonic();
    try {
      const made = await session.rotate({ immediate });
      this.acts.push({ kind: 'rotate', by, immediate, made, from, to: monotonic() });
      return made;
    } catch (error) {
      this.acts.push({ kind: 'rotate', by, immediate, code: codeOf(error), from, to: monotonic() });
      return undefined;
    }
  }
}

/** A token of the same session with a secret that was never handed out. */
export function forged(token: string): string {
  return token.slice(0, token.indexOf('.') + 1) + randomBytes(32).toString('base64url');
}
