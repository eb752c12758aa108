import { build } from 'esbuild';
import { ROOT } from '../../../scripts/packed.js';
import type { SessionChange, SessionClient, SessionClientOptions } from '../../../src/client/index.js';

/** A clock that moves only when everything else is done. */
export class Timeline {
  now = 0;
  readonly #queue: { readonly at: number; readonly order: number; run(): void }[] = [];
  #order = 0;

  after(delay: number, run: () => void): void {
    this.#queue.push({ at: this.now + delay, order: this.#order++, run });
  }

  sleep(delay: number): Promise<void> {
    return new Promise((resolve) => this.after(delay, resolve));
  }

  /** Runs everything that is due until `end`, and its consequences. */
  async runUntil(end: number): Promise<void> {
    for (;;) {
      await new Promise(setImmediate);
      this.#queue.sort((a, b) => a.at - b.at || a.order - b.order);
      const next = this.#queue[0];
      if (!next || next.at > end) break;
      this.#queue.shift();
      this.now = next.at;
      next.run();
    }
    this.now = end;
  }
}

/** Messages from one place to another, with delays. They never overtake each other. */
class Pipe {
  #lastArrival = 0;
  readonly #timeline: Timeline;
  readonly #delay: () => number;

  constructor(timeline: Timeline, delay: () => number) {
    this.#timeline = timeline;
    this.#delay = delay;
  }

  send(run: () => void): void {
    this.#lastArrival = Math.max(this.#lastArrival, this.#timeline.now + this.#delay());
    this.#timeline.after(this.#lastArrival - this.#timeline.now, run);
  }
}

export interface Tab {
  readonly session: SessionClient;
  readonly changes: SessionChange[];
}

export interface WorldOptions {
  readonly timeline: Timeline;
  /** How long messages take within the browser, in ms. */
  delay(): number;
  readonly fetch: typeof globalThis.fetch;
  /** Drops messages between tabs, as old browsers do. */
  readonly hasChannel?: boolean;
  readonly isStorageBlocked?: boolean;
}

/**
 * A browser that runs each tab in a separate process, as Chromium does. A tab sees its own write
 * to the storage at once, and the others see it later. Of two writes, the last to reach the
 * browser's process wins. Messages and writes travel separately.
 */
export class World {
  readonly #options: WorldOptions;
  readonly #tabs: Process[] = [];
  readonly #stored = new Map<string, string>();

  constructor(options: WorldOptions) {
    this.#options = options;
  }

  async open(options: SessionClientOptions = {}): Promise<Tab> {
    const process = new Process(this.#options, this.#stored, this.#tabs);
    this.#tabs.push(process);
    const session = await process.load({ ...options, fetch: this.#options.fetch });
    const changes: SessionChange[] = [];
    session.subscribe((change) => changes.push(change));
    return { session, changes };
  }
}

let source: Promise<string> | undefined;

/** The client as one script. */
function bundled(): Promise<string> {
  source ??= build({
    entryPoints: [`${ROOT}/src/client/index.ts`],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'client',
    target: 'es2022',
  }).then(({ outputFiles }) => outputFiles[0]?.text ?? '');
  return source;
}

class Process {
  readonly #options: WorldOptions;
  readonly #stored: Map<string, string>;
  readonly #others: readonly Process[];
  readonly #view: Map<string, string>;
  /**
   * Own writes that the browser's process has not confirmed: until then others' are not shown.
   */
  #unconfirmed = 0;
  readonly #toStorage: Pipe;
  readonly #fromStorage: Pipe;
  readonly #toChannels: Pipe;
  readonly #fromChannels: Pipe;
  readonly #listeners = new Set<() => void>();
  readonly #channels = new Map<string, { onmessage: ((event: { data: unknown }) => void) | null }>();

  constructor(options: WorldOptions, stored: Map<string, string>, others: readonly Process[]) {
    const pipe = () => new Pipe(options.timeline, options.delay);
    this.#options = options;
    this.#stored = stored;
    this.#others = others;
    this.#view = new Map(stored);
    [this.#toStorage, this.#fromStorage, this.#toChannels, this.#fromChannels] = [pipe(), pipe(), pipe(), pipe()];
  }

  async load(options: SessionClientOptions): Promise<SessionClient> {
    const { timeline, hasChannel = true, isStorageBlocked = false } = this.#options;
    const post = (name: string, data: unknown) => this.#post(name, data);
    const channels = this.#channels;
    const globals = {
      location: { origin: 'https://app.example', href: 'https://app.example/' },
      localStorage: isStorageBlocked ? null : this.#storage(),
      addEventListener: (type: string, listener: () => void) => type === 'storage' && this.#listeners.add(listener),
      BroadcastChannel: hasChannel
        ? class {
            onmessage = null;
            readonly #name: string;
            constructor(name: string) {
              this.#name = name;
              channels.set(name, this);
            }
            postMessage(data: unknown): void {
              post(this.#name, structuredClone(data));
            }
          }
        : undefined,
    };
    const run = new Function(
      'globalThis',
      'setTimeout',
      'Date',
      `${await bundled()}; return client.createSessionClient;`,
    );
    const create: (options: SessionClientOptions) => SessionClient = run(
      globals,
      (callback: () => void, delay: number) => timeline.after(delay, callback),
      { now: () => timeline.now },
    );
    return create(options);
  }

  #storage(): NonNullable<SessionClientOptions['storage']> {
    return {
      getItem: (key) => this.#view.get(key) ?? null,
      setItem: (key, value) => this.#write(key, value),
      removeItem: (key) => this.#write(key, undefined),
    };
  }

  #write(key: string, value: string | undefined): void {
    if (this.#view.get(key) === value) return;
    put(this.#view, key, value);
    this.#unconfirmed++;
    this.#toStorage.send(() => {
      put(this.#stored, key, value);
      this.#fromStorage.send(() => this.#unconfirmed--);
      for (const other of this.#others) if (other !== this) other.#show(key, value);
    });
  }

  #show(key: string, value: string | undefined): void {
    this.#fromStorage.send(() => {
      if (this.#unconfirmed === 0) put(this.#view, key, value);
      for (const listener of this.#listeners) listener();
    });
  }

  #post(name: string, data: unknown): void {
    this.#toChannels.send(() => {
      for (const other of this.#others) {
        if (other !== this) other.#fromChannels.send(() => other.#channels.get(name)?.onmessage?.({ data }));
      }
    });
  }
}

function put(map: Map<string, string>, key: string, value: string | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
