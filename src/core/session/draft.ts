import { cloneJson, copyJson, equalJson, isJsonObject, type JsonObject, type JsonValue, setOwn } from '../data/json.js';
import { applyPatch, diff, type Patch } from '../data/merge.js';
import { reveal } from '../data/schema.js';
import { SessionError } from '../error.js';
import type { Change } from '../kernel/write-queue.js';
import { ownerOf } from '../record/owner.js';
import type { Content, Snapshot } from '../record/snapshot.js';
import type { HeldSession } from './held-session.js';

/** What one root field of a GraphQL mutation changed, until the operation ends and decides. */
export interface Layer {
  readonly name: string;
  readonly patch: Patch;
}

/** The state of a draft, in an object of its own: it can be read after the draft was collected. */
export interface DraftBox<Data> {
  /**
   * The data before any change, to find the changes. Made, like the data, when it is first read.
   */
  baseline: JsonValue;
  data: Data | undefined;
  isTaken: boolean;
}

/** Whether the data differs from what it was copied from. */
export function hasChanged({ isTaken, data, baseline }: DraftBox<unknown>): boolean {
  return isTaken && !equalJson(data, baseline);
}

/** A call's own copy of a session's data, and its changes. */
export class Draft<Data> {
  readonly #held: HeldSession;
  readonly #box: DraftBox<Data> = { baseline: null, data: undefined, isTaken: false };
  /** The snapshot that the draft was last rebased on. */
  #order = 0;
  /**
   * Changes of earlier root fields. The draft has them, but no save of a later field writes them.
   */
  #layers: Layer[] = [];
  /** The write under way that has the draft's unsaved changes in it. */
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

  /** From now on, unchanged data is as new as the session that the request holds. For streams. */
  follow(): void {
    this.#follows = true;
  }

  /** Drops the unsaved changes. */
  discard(): void {
    this.renew();
    this.#layers = [];
  }

  /**
   * Drops the changes since the last layer. The next read gives the newest that the request knows.
   */
  renew(): void {
    this.#box.isTaken = false;
  }

  /**
   * Puts the changes since the last layer aside under this name: they wait for {@link saveLayers}.
   */
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
   * Writes the layers that `keep` accepts, in one write, and drops the others. Later changes stay
   * unsaved.
   */
  async saveLayers(keep: (name: string) => boolean): Promise<void> {
    const layers = this.#layers;
    const rest = this.#hasChanged() ? diff(this.#box.baseline, copyJson(this.#box.data)) : null;
    const kept = layers.filter(({ name }) => keep(name));
    this.discard();
    if (kept.length > 0) await this.#held.submit((content) => this.#patchedAll(content, kept));
    if (!rest) return;
    this.#take();
    this.#box.data = reveal<Data>(cloneJson(applyPatch(this.#box.baseline, rest)));
  }

  /** The names of the layers that wait. */
  get layerNames(): readonly string[] {
    return this.#layers.map(({ name }) => name);
  }

  /** Writes what changed since the last layer. */
  async save(): Promise<void> {
    if (this.#carrying) await this.#untilCarried();
    this.#held.assertAlive();
    if (!this.#hasChanged()) return;
    const draft = copyJson(this.#box.data);
    const patch = diff(this.#box.baseline, draft);
    if (patch) await this.#submit((content) => this.#patched(content, patch), draft, patch);
  }

  /** Changes the newest data and what changed since the last layer, atomically. */
  async update(change: (data: Data) => void): Promise<Data> {
    if (this.#carrying) await this.#untilCarried();
    this.#held.assertAlive();
    const draft = this.#box.isTaken ? copyJson(this.#box.data) : null;
    const unsaved = draft === null ? null : diff(this.#box.baseline, draft);
    // Other changes may go into the same write after this one. Each gets its own result.
    let result: JsonValue = null;
    const changeNewest = async (content: Content) => {
      const working = cloneJson(unsaved ? applyPatch(content.data, unsaved) : content.data);
      assertSynchronous(change(reveal<Data>(working)));
      const patch = diff(content.data, copyJson(working));
      const changed = patch ? await this.#patched(content, patch) : content;
      result = changed.data;
      return changed;
    };
    await this.#submit(changeNewest, draft, unsaved);
    return reveal<Data>(cloneJson(result));
  }

  /** For reporting changes that are never saved, when nothing holds the draft any more. */
  get box(): DraftBox<Data> {
    return this.#box;
  }

  #hasChanged(): boolean {
    return hasChanged(this.#box);
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
   * Submits a change with the draft's unsaved changes (`unsaved`), and brings the draft
   * (`submitted`) up to what was written.
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
   * Unsaved changes go into one write. A second one would undo what an update has made of them in
   * between.
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
    if (ownerOf(settings, data) !== ownerOf(settings, content.data)) {
      throw new SessionError('INVALID_DATA', 'the change would move the session to another owner: create a new session instead');
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
   * Brings the draft up to what was written. `submitted` is the draft when the write began: values
   * that were changed since then stay. Equal values keep their identity, as callers may hold them.
   */
  #rebase(snapshot: Snapshot, submitted: JsonValue | null): void {
    if (!this.#box.isTaken || submitted === null) return;
    const newest = this.#layered(snapshot.data);
    this.#box.baseline = newest;
    this.#order = snapshot.order;
    const draft: unknown = this.#box.data;
    if (isRecord(draft) && isJsonObject(submitted) && isJsonObject(newest)) rebaseFields(draft, submitted, newest);
    else if (equalJson(draft, submitted) && !equalJson(draft, newest)) this.#box.data = reveal<Data>(cloneJson(newest));
  }
}

/** A write by a request is activity. A write by the server itself is not. */
export function active({ credentials, services }: HeldSession, content: Content): Content {
  if (!credentials) return content;
  const lastActiveAt = Math.max(content.state.lastActiveAt, services.settings.now());
  return { ...content, state: { ...content.state, lastActiveAt } };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return isJsonObject(value);
}

function rebaseFields(draft: Record<string, unknown>, submitted: JsonObject, newest: JsonObject): void {
  for (const key of new Set([...Object.keys(draft), ...Object.keys(newest)])) {
    const mine = Object.hasOwn(draft, key) ? draft[key] : undefined;
    const before = Object.hasOwn(submitted, key) ? submitted[key] : undefined;
    const now = Object.hasOwn(newest, key) ? newest[key] : undefined;
    if (!equalJson(mine, before) || equalJson(mine, now)) continue;
    if (now === undefined) delete draft[key];
    else setOwn(draft, key, cloneJson(now));
  }
}

/**
 * Of the changed fields, the schema's output is stored. Fields that it leaves out, or that did not
 * change, stay as they are.
 */
function asValidated(written: JsonValue, data: JsonValue, patch: Patch): JsonValue {
  if (patch.kind === 'whole' || !isJsonObject(data)) return data;
  const fields = new Map<string, JsonValue | undefined>();
  for (const key of patch.fields.keys()) if (Object.hasOwn(data, key)) fields.set(key, data[key]);
  return applyPatch(written, { kind: 'fields', fields });
}

function assertSynchronous(result: unknown): void {
  if (typeof result !== 'object' || result === null || !('then' in result)) return;
  // Its rejection is the caller's mistake too, and must not end the process.
  Promise.resolve(result).catch(() => undefined);
  throw new SessionError('NOT_SUPPORTED', 'update(change) takes a synchronous function: fetch what it needs before');
}
