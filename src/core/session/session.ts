import { cloneJson, copyJson, equalJson, isJsonObject, type JsonObject, type JsonValue, setOwn } from '../data/json.js';
import { applyPatch, diff, type Patch } from '../data/merge.js';
import { reveal } from '../data/schema.js';
import { SessionError } from '../error.js';
import { eventOf } from '../events.js';
import { type Kernel, ownerOf } from '../kernel/kernel.js';
import type { EndListener } from '../kernel/live-sessions.js';
import { type Change, gone } from '../kernel/write-queue.js';
import { addPending, opens, replaceCurrent } from '../record/rotation.js';
import { type Content, lifetimeOf, type Snapshot } from '../record/snapshot.js';
import { mintToken } from '../record/token.js';
import type { RotateOptions, Session } from '../types.js';
import type { EndWatch } from './ending-iterator.js';

/** Where a new token goes besides the caller: to the response, by the sources that can write. */
export interface TokenDelivery {
  readonly headers: Headers;
  /** @throws `HEADERS_SENT` when a configured source can no longer write. */
  assertWritable(): void;
  /** Whether a source that can write is configured, and can do it now. */
  isWritable(): boolean;
  /** `lifetime` is the longest that the session can have from now on, in ms. */
  issued(token: string, lifetime: number): void;
  /** The client's token is of no more use. */
  ended(): void;
  /** The headers are on their way: from now on nothing can be written. */
  seal(): void;
}

/** What all drafts of one session share within a request. */
export interface SessionLink {
  readonly kernel: Kernel;
  /** The newest that this request knows of. */
  snapshot: Snapshot;
  /** The hashes by which this request may use the session; `null` for the server's own use, which needs none. */
  readonly hashes: string[] | null;
  readonly isNew: boolean;
  readonly delivery: TokenDelivery | null;
  /** Whether it was ended through this request. */
  ended: boolean;
  /** Who in this request is to be told when the session ends, with what stops that. */
  readonly watches: Map<EndListener, () => void>;
  /** Called when the session was ended through this request. */
  onEnded(): void;
}

/** A session with a draft of its data. */
export class SessionDraft<Data> implements Session<Data> {
  readonly #link: SessionLink;
  /** What the draft was copied from, to tell what changed. Made, like the draft, when the data is first looked at. */
  #baseline: JsonValue = null;
  #data: Data | undefined;
  #isTaken = false;
  /** The write under way that has the draft's unsaved changes in it. */
  #carrying: Promise<void> | null = null;
  #controller: AbortController | undefined;
  #stopWatching: (() => void) | undefined;
  #token: string | undefined;

  constructor(link: SessionLink, token?: string) {
    this.#link = link;
    this.#token = token;
  }

  get id(): string {
    return this.#link.snapshot.record.id;
  }

  get data(): Data {
    if (!this.#isTaken) this.#take(this.#link.snapshot);
    return this.#data as Data;
  }

  set data(data: Data) {
    if (!this.#isTaken) this.#take(this.#link.snapshot);
    this.#data = data;
  }

  get token(): string | undefined {
    return this.#token;
  }

  get isNew(): boolean {
    return this.#link.isNew;
  }

  get createdAt(): number {
    return this.#link.snapshot.record.createdAt;
  }

  get lastActiveAt(): number {
    return this.#link.snapshot.state.lastActiveAt;
  }

  get authenticatedAt(): number {
    const { hashes, snapshot } = this.#link;
    const { pending } = snapshot.state.tokens;
    // What a pending token renews counts for those who hold it, before it is used as well.
    return pending && (!hashes || hashes.includes(pending.hash)) ? pending.authenticatedAt : snapshot.state.authenticatedAt;
  }

  get expiresAt(): number {
    return this.#link.snapshot.deadline;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    const { signal } = this.#controller;
    if (!signal.aborted) this.#stopWatching ??= watchEnd(this.#link, (reason) => this.#controller?.abort(reason));
    return signal;
  }

  async save(): Promise<void> {
    if (this.#carrying) await this.#untilCarried();
    this.#assertAlive();
    if (!this.isDirty) return;
    const draft = copyJson(this.#data);
    const patch = diff(this.#baseline, draft);
    if (patch) await this.#submitDraft((content) => this.#patched(content, patch), draft, patch);
  }

  async update(change: (data: Data) => void): Promise<Data> {
    if (this.#carrying) await this.#untilCarried();
    this.#assertAlive();
    const draft = this.#isTaken ? copyJson(this.#data) : null;
    const unsaved = draft === null ? null : diff(this.#baseline, draft);
    // Others' changes may go into the same write after this one: each is answered what it has made itself.
    let result: JsonValue = null;
    const changeNewest = async (content: Content) => {
      const working = cloneJson(unsaved ? applyPatch(content.data, unsaved) : content.data);
      assertSynchronous(change(reveal<Data>(working)));
      const patch = diff(content.data, copyJson(working));
      const changed = patch ? await this.#patched(content, patch) : content;
      result = changed.data;
      return changed;
    };
    await this.#submitDraft(changeNewest, draft, unsaved);
    return reveal<Data>(cloneJson(result));
  }

  async touch(): Promise<void> {
    this.#assertAlive();
    const { kernel, snapshot } = this.#link;
    if (kernel.isTouchDue(snapshot)) this.#link.snapshot = await kernel.touch(snapshot);
    else this.#link.snapshot = await this.#find();
  }

  async reload(): Promise<void> {
    this.#assertAlive();
    this.#link.snapshot = await this.#find();
    this.#isTaken = false;
  }

  async rotate(options: RotateOptions = {}): Promise<string> {
    this.#assertAlive();
    const link = this.#link;
    const { settings, events } = link.kernel;
    link.delivery?.assertWritable();
    const { hash, token } = mintToken(settings.tokenPrefix, this.id);
    link.snapshot = await this.#submit((content) => {
      const now = settings.now();
      if (link.hashes && !opens(content.state.tokens, link.hashes, now)) throw gone(this.id);
      const authenticatedAt = options.reauthenticated ? now : content.state.authenticatedAt;
      const state = options.immediate
        ? replaceCurrent(content.state, hash, authenticatedAt, now)
        : addPending(content.state, hash, authenticatedAt);
      return this.#active({ ...content, state });
    });
    link.hashes?.push(hash);
    this.#token = token;
    link.delivery?.issued(token, lifetimeOf(link.snapshot, settings));
    events.emit('rotated', { ...eventOf(link.snapshot.record), reason: options.immediate ? 'immediate' : 'pending' });
    return token;
  }

  async destroy(): Promise<void> {
    const link = this.#link;
    if (link.ended) return;
    await link.kernel.destroy(link.snapshot.record, 'destroyed');
    link.onEnded();
  }

  /** Saves what changed, for an operation that succeeded; a session that has ended in the meantime is told as an event. */
  async autosave(): Promise<void> {
    if (this.#link.ended) return;
    try {
      await this.save();
    } catch (error) {
      if (!(error instanceof SessionError) || error.code !== 'SESSION_GONE') throw error;
      // A stream saves again and again: this change is told of once.
      this.discard();
      this.#link.kernel.events.emit('gone', eventOf(this.#link.snapshot.record));
    }
  }

  /** Drops the draft's unsaved changes, for what failed within a stream that goes on. */
  discard(): void {
    this.#isTaken = false;
  }

  /** Whether there is something to save. */
  get isDirty(): boolean {
    return !this.#link.ended && this.#isTaken && !equalJson(this.#data, this.#baseline);
  }

  /** Tells the listener when the session ends, at once where it has: what a stream uses, as {@link signal} is the dearest part of its end. */
  get onEnd(): EndWatch {
    return (listener) => watchEnd(this.#link, listener);
  }

  /** Stops looking after {@link signal}, when nobody can be listening any more. */
  releaseSignal(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }

  /** What logs and clients may see: everything but the token. */
  toJSON(): object {
    const { id, data, isNew, createdAt, lastActiveAt, authenticatedAt, expiresAt } = this;
    return { id, data, isNew, createdAt, lastActiveAt, authenticatedAt, expiresAt };
  }

  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return this.toJSON();
  }

  #assertAlive(): void {
    if (this.#link.ended) throw gone(this.id);
  }

  /** Submits a change with the draft's unsaved changes (`unsaved`), and brings the draft (`submitted`) up to what was written. */
  async #submitDraft(change: Change, submitted: JsonValue | null, unsaved: Patch | null): Promise<void> {
    const write = this.#submit(change).then((snapshot) => this.#rebase(snapshot, submitted));
    if (unsaved) this.#carrying = write;
    try {
      await write;
    } finally {
      if (this.#carrying === write) this.#carrying = null;
    }
  }

  /** Unsaved changes go into one write: in a second one they would undo what an update has made of them in between. */
  async #untilCarried(): Promise<void> {
    while (this.#carrying) await this.#carrying.catch(() => undefined);
  }

  async #submit(change: Change): Promise<Snapshot> {
    const link = this.#link;
    const snapshot = await link.kernel.queue.submit(link.snapshot, change);
    if (snapshot.order > link.snapshot.order) link.snapshot = snapshot;
    return snapshot;
  }

  async #find(): Promise<Snapshot> {
    const snapshot = await this.#link.kernel.find(this.id);
    if (snapshot) return snapshot;
    throw gone(this.id);
  }

  async #patched(content: Content, patch: Patch): Promise<Content> {
    const { settings } = this.#link.kernel;
    const written = applyPatch(content.state.stored, patch);
    const data = settings.validator ? await settings.validator(written) : written;
    if (ownerOf(settings, data) !== ownerOf(settings, content.data)) {
      throw new SessionError('INVALID_DATA', 'the change would move the session to another owner: create a new session instead');
    }
    const stored = settings.validator ? asValidated(written, data, patch) : written;
    return this.#active({ data, state: { ...content.state, stored } });
  }

  /** A write by a request is activity; one by the server itself is not. */
  #active(content: Content): Content {
    if (!this.#link.hashes) return content;
    const lastActiveAt = Math.max(content.state.lastActiveAt, this.#link.kernel.settings.now());
    return { ...content, state: { ...content.state, lastActiveAt } };
  }

  #take(snapshot: Snapshot): void {
    this.#isTaken = true;
    this.#baseline = snapshot.data;
    this.#data = reveal<Data>(cloneJson(snapshot.data));
  }

  /**
   * Brings the draft up to what was written, where it still is what it was when the write began (`submitted`). Values that were
   * changed since then stay, and values that are equal keep their identity: callers may hold them.
   */
  #rebase(snapshot: Snapshot, submitted: JsonValue | null): void {
    if (!this.#isTaken || submitted === null) return;
    this.#baseline = snapshot.data;
    const draft: unknown = this.#data;
    if (isRecord(draft) && isJsonObject(submitted) && isJsonObject(snapshot.data)) rebaseFields(draft, submitted, snapshot.data);
    else if (equalJson(draft, submitted) && !equalJson(draft, snapshot.data)) this.#data = reveal<Data>(cloneJson(snapshot.data));
  }
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

/** What the schema made of the changed fields is stored; those it leaves out, and those that did not change, stay as they are. */
function asValidated(written: JsonValue, data: JsonValue, patch: Patch): JsonValue {
  if (patch.kind === 'whole' || !isJsonObject(data)) return data;
  const fields = new Map<string, JsonValue | undefined>();
  for (const key of patch.fields.keys()) if (Object.hasOwn(data, key)) fields.set(key, data[key]);
  return applyPatch(written, { kind: 'fields', fields });
}

function assertSynchronous(result: unknown): void {
  if (typeof result !== 'object' || result === null || !('then' in result)) return;
  // Its rejection is the caller's mistake as well, and must not end the process.
  Promise.resolve(result).catch(() => undefined);
  throw new SessionError('NOT_SUPPORTED', 'update(change) takes a synchronous function: fetch what it needs before');
}

/**
 * Tells the listener when the session ends, at once where it has. Registered when somebody asks, so that requests without interest
 * in it cost nothing. Returns what stops it.
 */
export function watchEnd(link: SessionLink, listener: EndListener): () => void {
  const { id } = link.snapshot.record;
  if (link.ended) {
    listener(gone(id));
    return () => undefined;
  }
  const stop = link.kernel.live.watch(id, listener);
  link.watches.set(listener, stop);
  return () => {
    if (link.watches.delete(listener)) stop();
  };
}

/** Notes that the session has ended for this request, for all its drafts and for who listens. */
export function endLink(link: SessionLink): void {
  link.ended = true;
  for (const [listener, stop] of link.watches) {
    stop();
    listener(gone(link.snapshot.record.id));
  }
  link.watches.clear();
}
