import { isSessionError } from '../error.js';
import type { Credential } from '../record/token.js';
import { type ActingSession, asCreator } from './acting.js';
import type { HeldSession } from './held-session.js';
import { type Login, type Previous, takeBack } from './login.js';

/**
 * The sessions that a call has created and that have not taken effect yet. There is usually one.
 * There are several if several root fields of a mutation log in.
 */
export class Logins {
  readonly #acting: ActingSession;
  #list: readonly Login[] = [];
  /** The running root field of a GraphQL mutation. */
  field: string | undefined;

  constructor(acting: ActingSession) {
    this.#acting = acting;
  }

  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  /** The session that all of them replace. `undefined` if there are no logins. */
  get previous(): Previous | undefined {
    return this.#list.at(0)?.previous;
  }

  /** The login that takes effect if the call succeeds now. */
  get last(): Login | undefined {
    return this.#list.at(-1);
  }

  has(held: HeldSession): boolean {
    return this.#list.some((login) => login.held === held);
  }

  /** Notes the new token of a session that has not taken effect yet. */
  renew(held: HeldSession, credential: Credential): void {
    this.#list = this.#list.map((login) => (login.held === held ? { ...login, credential } : login));
  }

  /**
   * Inserts a session. With `onLimit: 'deny'`, an earlier one of the same field counts until it is
   * removed, so it is removed first if there is no room for both.
   */
  async withRoom<Inserted>(field = '', insert: () => Promise<Inserted>): Promise<Inserted> {
    try {
      return await insert();
    } catch (error) {
      if (this.isEmpty || !isSessionError(error) || error.code !== 'LIMIT_REACHED') throw error;
      await this.drop((each) => each !== field);
      return insert();
    }
  }

  /** Adds a login. It replaces an earlier one of the same field. */
  async push(login: Login): Promise<void> {
    const earlier = this.#list.filter(({ field }) => field === login.field);
    const others = this.#list.filter(({ field }) => field !== login.field);
    const before = earlier.at(0)?.before ?? login.before;
    this.#list = [...others, { ...login, before }];
    await Promise.all(earlier.map(takeBack));
  }

  /**
   * Undoes the logins of the fields that are not kept. It restores the call's session before it
   * awaits anything.
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

  /** Takes out the last login, and undoes the others. */
  async take(): Promise<Login | undefined> {
    const { last } = this;
    const [first, earlier] = [this.#list.at(0), this.#list.slice(0, -1)];
    this.#list = [];
    await Promise.all(earlier.map(takeBack));
    return last && first && { ...last, before: first.before };
  }

  /** Takes out the login of this session, and removes the session. */
  async remove(held: HeldSession): Promise<Login | undefined> {
    const login = this.#list.find((each) => each.held === held);
    if (!login) return undefined;
    this.#list = this.#list.filter((each) => each !== login);
    await takeBack(login);
    return login;
  }
}
