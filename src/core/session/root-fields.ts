import type { ActingSession } from './acting.js';
import type { Draft } from './draft.js';
import type { Logins } from './logins.js';

/** Whether a root field of a GraphQL mutation has succeeded. */
export type Keep = (field: string) => boolean;

/** The root fields of a GraphQL mutation. Each decides for its own changes. */
export class RootFields {
  readonly #acting: ActingSession;
  readonly #logins: Logins;

  constructor(acting: ActingSession, logins: Logins) {
    this.#acting = acting;
    this.#logins = logins;
  }

  /** The field that runs; `undefined` before the first one, and in other calls. */
  get current(): string | undefined {
    return this.#logins.field;
  }

  /** The fields whose changes wait. */
  get pending(): readonly string[] {
    return this.#acting.session?.draft.layerNames ?? [];
  }

  /** A field begins: its changes are decided apart from those before it. */
  begin(name: string): void {
    this.close();
    this.#logins.field = name;
  }

  /** Puts the changes of the field that runs aside. */
  close(): void {
    this.#acting.session?.draft.closeLayer(this.current ?? '');
  }

  /** The resolver of the field with this name has failed: its changes and its login are undone. */
  drop(name: string | undefined): Promise<void> {
    const dropping = this.#logins.drop((field) => field !== name);
    this.#acting.session?.draft.dropChanges();
    return dropping;
  }

  /**
   * Saves the changes of these fields while the operation goes on. Undoes the logins of failed
   * ones.
   */
  async commit(keep: Keep, hasFailed: Keep): Promise<void> {
    await this.#logins.drop((field) => !hasFailed(field));
    await this.#acting.session?.autosave((draft) => draft.saveLayers(keep));
  }

  /** Saves the draft of a call that has succeeded: all of it, or the changes of these fields. */
  async save(draft: Draft<unknown>, keep: Keep): Promise<void> {
    if (this.current === undefined) return draft.save();
    this.close();
    await draft.saveLayers(keep);
  }
}
