import { isDeepStrictEqual } from 'node:util';

export type Fields = { readonly [field: string]: unknown };

/** A session, as the model keeps it. */
export class Stored {
  readonly id: string;
  readonly user: number;
  /** Its place in the order in which sessions were created. */
  readonly order: number;
  /** Whether its user logged in too long ago for a step-up. */
  readonly isStale: boolean;
  isAlive = true;
  /** Whether it has taken effect. Until then no other call can meet it. */
  isEffective: boolean;
  /** The stored versions, one after the other. */
  readonly versions: Fields[];
  readonly firstToken: string;
  lastToken: string;

  constructor(made: {
    id: string;
    token: string;
    user: number;
    order: number;
    isStale: boolean;
    isEffective: boolean;
    data: Fields;
  }) {
    this.id = made.id;
    this.user = made.user;
    this.order = made.order;
    this.isStale = made.isStale;
    this.isEffective = made.isEffective;
    this.versions = [made.data];
    this.firstToken = made.token;
    this.lastToken = made.token;
  }

  get newest(): Fields {
    return this.versions.at(-1) ?? {};
  }

  /** The number of the newest version. */
  get version(): number {
    return this.versions.length - 1;
  }

  write(changes: Fields): void {
    this.versions.push({ ...this.newest, ...changes });
  }
}

/** The changes of the root fields of a mutation, each apart. */
interface Layer {
  readonly name: string;
  readonly changes: Fields;
}

/** A call's own copy of a session's data. */
export class Draft {
  readonly session: Stored;
  /** The versions that it can have been copied from: the first of them, and the last. */
  #from: number | undefined;
  #to = 0;
  #layers: Layer[] = [];
  #changes: Fields = {};

  constructor(session: Stored) {
    this.session = session;
  }

  get isDirty(): boolean {
    return this.#layers.length > 0 || this.hasChanges;
  }

  /** Whether something changed since the last layer. */
  get hasChanges(): boolean {
    return Object.keys(this.#changes).length > 0;
  }

  get changes(): Fields {
    return this.#changes;
  }

  /**
   * The data is read or changed for the first time: from now on it is a copy. `known`: the oldest
   * version that it can be.
   */
  take(known: number): void {
    if (this.#from !== undefined) return;
    this.#from = Math.min(known, this.session.version);
    this.#to = this.session.version;
  }

  change(field: string, value: unknown, known: number): void {
    this.take(known);
    this.#changes = { ...this.#changes, [field]: value };
  }

  /**
   * Whether this can be the call's view. A copy stays the same: the other versions are out then.
   */
  canBe(seen: unknown, known: number): boolean {
    this.take(known);
    for (let version = this.#to; version >= (this.#from ?? 0); version -= 1) {
      if (!isDeepStrictEqual(seen, this.#over(version))) continue;
      this.#from = version;
      this.#to = version;
      return true;
    }
    return false;
  }

  /** Its content as a copy of the newest of its versions, for messages. */
  get likely(): Fields {
    return this.#over(this.#from === undefined ? this.session.version : this.#to);
  }

  /** The changes are stored: what was not changed is as new as they are. */
  saved(): void {
    this.#changes = {};
    if (this.#from === undefined) return;
    this.#from = this.session.version;
    this.#to = this.session.version;
  }

  /** The call reads again, and drops the changes since the last layer. */
  reloaded(): void {
    this.#changes = {};
    this.#from = this.session.version;
    this.#to = this.session.version;
  }

  discard(): void {
    this.#changes = {};
    this.#layers = [];
  }

  dropChanges(): void {
    this.#changes = {};
  }

  closeLayer(name: string): void {
    if (!this.hasChanges) return;
    this.#layers.push({ name, changes: this.#changes });
    this.#changes = {};
  }

  /** The changes of the layers that are kept, together with those after the last one. */
  takeKept(keep: (name: string) => boolean): Fields {
    const kept = this.#layers.filter(({ name }) => keep(name));
    const all = Object.assign({}, ...kept.map(({ changes }) => changes), this.#changes);
    this.discard();
    return all;
  }

  #over(version: number): Fields {
    return Object.assign(
      {},
      this.session.versions[version],
      ...this.#layers.map(({ changes }) => changes),
      this.#changes,
    );
  }
}

/** A session object, as a call holds it. */
export interface Handle {
  readonly session: Stored;
  readonly draft: Draft;
  /** The call has ended or replaced the session: the object gives its data no more. */
  isRetired: boolean;
}
