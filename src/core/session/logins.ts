import type { Credential } from '../record/token.js';
import { type ActingSession, asCreator } from './acting.js';
import type { HeldSession } from './held-session.js';
import { type Login, type Previous, takeBack } from './login.js';

/**
 * The sessions that a call has created and that have not taken effect yet. Usually one; several if
 * several root fields of a mutation log in.
 */
export class Logins {
  readonly #acting: ActingSession;
  #list: readonly Login[] = [];
  /** The root field of a GraphQL mutation that runs. */
  field: string | undefined;

  constructor(acting: ActingSession) {
    this.#acting = acting;
  }

  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  /** What all of them replace; `undefined` where there is none. */
  get previous(): Previous | undefined {
    return this.#list.at(0)?.previous;
  }

  /** The one that takes effect if the call succeeds now. */
  get last(): Login | undefined {
    return this.#list.at(-1);
  }

  has(held: HeldSession): boolean {
    return this.#list.some((login) => login.held === held);
  }

  /** A session that waits was given a new token. */
  renew(held: HeldSession, credential: Credential): void {
    this.#list = this.#list.map((login) => (login.held === held ? { ...login, credential } : login));
  }

  /** A later login of the same field replaces the earlier one. */
  async push(login: Login): Promise<void> {
    const earlier = this.#list.filter(({ field }) => field === login.field);
    const others = this.#list.filter(({ field }) => field !== login.field);
    const before = earlier.at(0)?.before ?? login.before;
    this.#list = [...others, { ...login, before }];
    await Promise.all(earlier.map(takeBack));
  }

  /**
   * Undoes the logins of fields that are not kept. The session that the call acts for is restored
   * before anything is awaited.
   */
  async drop(keep: (field: string) => boolean): Promise<void> {
    const dropped = this.#list.filter(({ field }) => !keep(field ?? ''));
    const [first] = dropped;
    if (!first) return;
    this.#list = this.#list.filter((each) => !dropped.includes(each));
    const { held } = this.#acting;
    if (dropped.some((login) => login.held === held)) {
      this.#acting.isEnding(held);
      this.#acting.restore(this.last ? asCreator(this.last.held) : first.before);
    }
    await Promise.all(dropped.map(takeBack));
  }

  /** Takes the last one out, and undoes those before it. */
  async take(): Promise<Login | undefined> {
    const { last } = this;
    const [first, earlier] = [this.#list.at(0), this.#list.slice(0, -1)];
    this.#list = [];
    await Promise.all(earlier.map(takeBack));
    return last && first && { ...last, before: first.before };
  }

  /** Takes the login of this session out, and removes the session. */
  async remove(held: HeldSession): Promise<Login | undefined> {
    const login = this.#list.find((each) => each.held === held);
    if (!login) return undefined;
    this.#list = this.#list.filter((each) => each !== login);
    await takeBack(login);
    return login;
  }
}
