import type { ActingSession } from './acting.js';
import type { Draft } from './draft.js';
import type { Logins } from './logins.js';

/** Whether a root field of a GraphQL mutation has succeeded. */
export type Keep = (field: string) => boolean;

/** The root fields of a GraphQL mutation. Each decides about its own changes. */
export class RootFields {
  readonly #acting: ActingSession;
  readonly #logins: Logins;

  constructor(acting: ActingSession, logins: Logins) {
    this.#acting = acting;
    this.#logins = logins;
  }

  /** The running field. `undefined` before the first one, and in calls that are not mutations. */
  get current(): string | undefined {
    return this.#logins.field;
  }

  /** The fields whose changes are not saved yet. */
  get pending(): readonly string[] {
    return this.#acting.session?.draft.layerNames ?? [];
  }

  /** A field begins. Its changes are kept apart from those of the fields before it. */
  begin(name: string): void {
    this.close();
    this.#logins.field = name;
  }

  /** Puts the changes of the running field aside. */
  close(): void {
    this.#acting.session?.draft.closeLayer(this.current ?? '');
  }

  /** Undoes the changes and the login of a field whose resolver has failed. */
  drop(name: string | undefined): Promise<void> {
    const dropping = this.#logins.drop((field) => field !== name);
    this.#acting.session?.draft.dropChanges();
    return dropping;
  }

  /**
   * Saves the changes of these fields while the operation goes on, and undoes the logins of the
   * fields that failed.
   */
  async commit(keep: Keep, hasFailed: Keep): Promise<void> {
    await this.#logins.drop((field) => !hasFailed(field));
    await this.#acting.session?.autosave((draft) => draft.saveLayers(keep, hasFailed));
  }

  /**
   * Saves the draft of a call that has succeeded: all of it, or only the changes of these fields.
   */
  async save(draft: Draft<unknown>, keep: Keep): Promise<void> {
    if (this.current === undefined) return keep('') ? draft.save() : draft.discard();
    this.close();
    await draft.saveLayers(keep, () => true);
  }
}
