import { cloneJson, copyJson, equalJson, isJsonObject, type JsonValue } from '../data/json.js';
import { applyPatch, diff, type Patch, rebaseFields } from '../data/merge.js';
import { reveal } from '../data/schema.js';
import { SessionError } from '../error.js';
import type { Change } from '../kernel/write-queue.js';
import { knownOwner, ownerOf } from '../record/owner.js';
import type { Content, Snapshot } from '../record/snapshot.js';
import type { SessionRecord } from '../store.js';
import type { HeldSession } from './held-session.js';
import { assertInPlace, assertSynchronous } from './update-result.js';

/** The changes of one root field of a GraphQL mutation. They wait until the operation decides. */
export interface Layer {
  readonly name: string;
  readonly patch: Patch;
}

/**
 * The state of a draft. A separate object, so that it outlives the draft: see {@link Draft.box}.
 */
export interface DraftBox<Data> {
  /**
   * The data before any change, for finding the changes. Copied, like `data`, at the first read.
   */
  baseline: JsonValue;
  data: Data | undefined;
  isTaken: boolean;
}

/**
 * Whether the data differs from its baseline. Data that cannot be read does: a getter or a revoked
 * proxy throws. The save then fails with its error.
 */
export function hasChanged({ isTaken, data, baseline }: DraftBox<unknown>): boolean {
  try {
    return isTaken && !equalJson(data, baseline);
  } catch {
    return true;
  }
}

/** Ends an attempt of {@link Draft.update} that writes nothing. No caller sees it. */
const OLD = new Error('old');

/** A call's own copy of a session's data, and its changes. */
export class Draft<Data> {
  readonly #held: HeldSession;
  readonly #box: DraftBox<Data> = { baseline: null, data: undefined, isTaken: false };
  /** The snapshot that the draft was last rebased on. */
  #order = 0;
  /**
   * Changes of earlier root fields. The draft shows them, but saves of later fields leave them
   * out.
   */
  #layers: Layer[] = [];
  /** The running write that contains the draft's unsaved changes. */
  #carrying: Promise<void> | null = null;
  #follows = false;

  constructor(held: HeldSession) {
    this.#held = held;
  }

  get data(): Data {
    if (!this.#box.isTaken) this.#take();
    else if (this.#follows && this.#held.snapshot.order > this.#order) this.#refresh();
    return this.#box.data as Data;
  }

  set data(data: Data) {
    if (!this.#box.isTaken) this.#take();
    this.#box.data = data;
  }

  /** Whether there is something to save. */
  get isDirty(): boolean {
    return this.#layers.length > 0 || this.#hasChanged();
  }

  /** From now on, unchanged data follows the newest data that the request knows. For streams. */
  follow(): void {
    this.#follows = true;
  }

  /** Drops the unsaved changes. */
  discard(): void {
    this.renew();
    this.#layers = [];
  }

  /**
   * Drops the changes since the last layer. The next read gives the newest data of the request.
   */
  renew(): void {
    this.#box.isTaken = false;
  }

  /** Moves the changes since the last layer into a layer of this name. See {@link saveLayers}. */
  closeLayer(name: string): void {
    if (!this.#hasChanged()) return;
    const data = copyJson(this.#box.data);
    const patch = diff(this.#box.baseline, data);
    if (!patch) return;
    this.#layers.push({ name, patch });
    this.#box.baseline = data;
  }

  /** Drops the changes since the last layer. */
  dropChanges(): void {
    if (!this.#box.isTaken) return;
    this.#box.data = reveal<Data>(cloneJson(this.#box.baseline));
  }

  /**
   * Saves the layers that `keep` accepts in one write, and drops those that `drop` accepts. Other
   * layers wait, and changes since the last layer stay unsaved.
   */
  async saveLayers(keep: (name: string) => boolean, drop: (name: string) => boolean): Promise<void> {
    const layers = this.#layers;
    const rest = this.#hasChanged() ? diff(this.#box.baseline, copyJson(this.#box.data)) : null;
    const kept = layers.filter(({ name }) => keep(name));
    this.discard();
    this.#layers = layers.filter((layer) => !kept.includes(layer) && !drop(layer.name));
    try {
      if (kept.length > 0) await this.#held.submit((content) => this.#patchedAll(content, kept));
    } finally {
      if (rest) this.#takeWith(rest);
    }
  }

  /** The names of the layers that are not saved yet. */
  get layerNames(): readonly string[] {
    return this.#layers.map(({ name }) => name);
  }

  /** Saves the changes since the last layer. */
  async save(): Promise<void> {
    if (this.#carrying) await this.#untilCarried();
    this.#held.assertAlive();
    if (!this.#hasChanged()) return;
    const draft = copyJson(this.#box.data);
    const patch = diff(this.#box.baseline, draft);
    if (patch) await this.#submit((content) => this.#patched(content, patch), draft, patch);
  }

  /**
   * Changes the newest data together with the changes since the last layer, atomically. Only a
   * write is compared with the store. So if the function throws or changes nothing, it runs again
   * after a fresh read.
   *
   * @param newest the version of a record that was just read
   */
  async update(change: (data: Data) => void, newest?: string): Promise<Data> {
    if (this.#carrying) await this.#untilCarried();
    this.#held.assertAlive();
    const draft = this.#box.isTaken ? copyJson(this.#box.data) : null;
    const unsaved = draft === null ? null : diff(this.#box.baseline, draft);
    // Later changes may join the same write. Each must get its own result.
    let result: JsonValue = null;
    let isOld = false;
    const changeNewest = async (content: Content, { version }: SessionRecord) => {
      isOld = version !== newest;
      const working = cloneJson(unsaved ? applyPatch(content.data, unsaved) : content.data);
      const returned: unknown = change(reveal<Data>(working));
      assertSynchronous(returned);
      const patch = diff(content.data, copyJson(working));
      if (!patch) assertInPlace(returned, working);
      const changed = patch ? await this.#patched(content, patch) : content;
      isOld &&= !patch;
      if (isOld) throw OLD;
      result = changed.data;
      return changed;
    };
    try {
      await this.#submit(changeNewest, draft, unsaved);
    } catch (error) {
      if (!isOld) throw error;
      return this.update(change, (await this.#held.reload()).record.version);
    }
    return reveal<Data>(cloneJson(result));
  }

  /** For a report about unsaved changes, which comes after the draft was garbage-collected. */
  get box(): DraftBox<Data> {
    return this.#box;
  }

  #hasChanged(): boolean {
    return hasChanged(this.#box);
  }

  /** Begins again with these changes. */
  #takeWith(changes: Patch): void {
    this.#take();
    this.#box.data = reveal<Data>(cloneJson(applyPatch(this.#box.baseline, changes)));
  }

  #take(): void {
    const { data, order } = this.#held.snapshot;
    this.#box.isTaken = true;
    this.#order = order;
    this.#box.baseline = this.#layered(data);
    this.#box.data = reveal<Data>(cloneJson(this.#box.baseline));
  }

  #layered(data: JsonValue): JsonValue {
    return this.#layers.reduce((result, { patch }) => applyPatch(result, patch), data);
  }

  /**
   * Submits a change that contains the draft's unsaved changes (`unsaved`). Afterwards it brings
   * the draft (`submitted`) up to date with the write.
   */
  async #submit(change: Change, submitted: JsonValue | null, unsaved: Patch | null): Promise<void> {
    const write = this.#held.submit(change).then((snapshot) => this.#rebase(snapshot, submitted));
    if (unsaved) this.#carrying = write;
    try {
      await write;
    } finally {
      if (this.#carrying === write) this.#carrying = null;
    }
  }

  /**
   * Waits for the write that contains the unsaved changes. They must go into one write only: a
   * second one would undo what an `update` made of them in between.
   */
  async #untilCarried(): Promise<void> {
    while (this.#carrying) await this.#carrying.catch(() => undefined);
  }

  async #patchedAll(content: Content, layers: readonly Layer[]): Promise<Content> {
    const before = content.data;
    const after = layers.reduce((data, { patch }) => applyPatch(data, patch), before);
    const patch = diff(before, after);
    return patch ? this.#patched(content, patch) : content;
  }

  async #patched(content: Content, patch: Patch): Promise<Content> {
    const { settings } = this.#held.services;
    const written = applyPatch(content.state.stored, patch);
    const data = settings.validator ? await settings.validator(written) : written;
    const owner = knownOwner(settings, content.data);
    // Data from before the option may stay without an owner.
    if ((owner === null ? (knownOwner(settings, data) ?? null) : ownerOf(settings, data)) !== owner) {
      throw new SessionError(
        'INVALID_DATA',
        'the change would move the session to another owner: create a new session instead',
      );
    }
    const stored = settings.validator ? asValidated(written, data, patch) : written;
    return active(this.#held, { data, state: { ...content.state, stored } });
  }

  #refresh(): void {
    const { snapshot } = this.#held;
    this.#order = snapshot.order;
    if (!this.#carrying) this.#rebase(snapshot, this.#box.baseline);
  }

  /**
   * Brings the draft up to date with a write. `submitted` is the draft when the write began.
   * Values that changed since then stay. Equal values keep their identity, because callers may
   * hold them.
   */
  #rebase(snapshot: Snapshot, submitted: JsonValue | null): void {
    if (!this.#box.isTaken || submitted === null) return;
    const newest = this.#layered(snapshot.data);
    this.#box.baseline = newest;
    this.#order = snapshot.order;
    const draft = this.#box.data;
    if (isRecord(draft) && isJsonObject(submitted) && isJsonObject(newest))
      this.#box.data = rebaseFields(draft, submitted, newest);
    else if (equalJson(draft, submitted) && !equalJson(draft, newest))
      this.#box.data = reveal<Data>(cloneJson(newest));
  }
}

/** Counts a write by a request as activity. A write by the server itself does not count. */
export function active({ credentials, services }: HeldSession, content: Content): Content {
  if (!credentials) return content;
  const lastActiveAt = Math.max(content.state.lastActiveAt, services.settings.now());
  return { ...content, state: { ...content.state, lastActiveAt } };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return isJsonObject(value);
}

/**
 * Stores the schema's output for the fields that changed. Fields that did not change, and fields
 * that the schema leaves out, stay as they are.
 */
function asValidated(written: JsonValue, data: JsonValue, patch: Patch): JsonValue {
  if (patch.kind === 'whole' || !isJsonObject(data)) return data;
  const fields = new Map<string, JsonValue | undefined>();
  for (const key of patch.fields.keys()) if (Object.hasOwn(data, key)) fields.set(key, data[key]);
  return applyPatch(written, { kind: 'fields', fields });
}
