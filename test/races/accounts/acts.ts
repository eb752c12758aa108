import { randomBytes } from 'node:crypto';
import { isSessionError, type RotateOptions, type Session, type Sessions } from '../../../src/index.js';
import type { Act, Data } from './types.js';

/** Milliseconds on a clock that all processes of the machine share. */
export const monotonic = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;

export const codeOf = (error: unknown): string => (isSessionError(error) ? error.code : String(error));

/** An admitted call, with its name in the notes. */
export interface NamedCall {
  readonly name: string;
  readonly session: Session<Data>;
}

let calls = 0;

/** Acts on one session, and notes each outcome. */
export class Hand {
  readonly acts: Act[] = [];
  readonly #sessions: Sessions<Data>;

  constructor(sessions: Sessions<Data>) {
    this.#sessions = sessions;
  }

  /** A request with this token: the admitted call, or `null` if it was not served. */
  async use(token: string): Promise<NamedCall | null> {
    const from = monotonic();
    calls += 1;
    const name = `${process.pid} ${calls}`;
    const noted = { kind: 'use', call: name, process: String(process.pid), token, from } as const;
    try {
      const { session } = await this.#sessions.fromToken(token);
      this.acts.push({ ...noted, ok: session !== null, to: monotonic() });
      return session && { name, session };
    } catch (error) {
      this.acts.push({ ...noted, ok: false, code: codeOf(error), to: monotonic() });
      return null;
    }
  }

  async rotate({ name, session }: NamedCall, how: RotateOptions = {}): Promise<string | undefined> {
    const noted = { kind: 'rotate', call: name, how, from: monotonic() } as const;
    try {
      const made = await session.rotate(how);
      this.acts.push({ ...noted, made, to: monotonic() });
      return made;
    } catch (error) {
      this.acts.push({ ...noted, code: codeOf(error), to: monotonic() });
      return undefined;
    }
  }
}

/** A token of the same session with a secret that was never handed out. */
export function forged(token: string): string {
  return token.slice(0, token.indexOf('.') + 1) + randomBytes(32).toString('base64url');
}
