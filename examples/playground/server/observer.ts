import type { SessionEvents, SessionRecord, SessionStore } from 'token-sessions';
import type { WebSocket } from 'ws';
import type { LibraryEvent, ObserverMessage, StoredRecord } from './messages.js';
import type { PlaygroundSessions } from './sessions.js';
import { type SwitchableStore, switchableStore } from './switchable-store.js';
import { USERS } from './users.js';

const EVENTS: readonly (keyof SessionEvents)[] = [
  'created',
  'destroyed',
  'rotated',
  'reuse-detected',
  'evicted',
  'gone',
  'conflict',
  'invalid-data',
  'migrated',
  'store-error',
];
const READS = new Set(['find', 'findMany', 'listByOwner', 'count']);
const KEPT_EVENTS = 50;

/**
 * Shows a page what an operator could see: the records in the store, and the library's events. An
 * application has nothing like it. No token is in either.
 */
export class Observer {
  readonly #real: SessionStore;
  readonly #switch: SwitchableStore;
  readonly #pages = new Set<WebSocket>();
  readonly #events: LibraryEvent[] = [];
  readonly #devices = new Map<string, string>();
  #reads = 0;
  #writes = 0;
  #isDue = false;

  constructor(real: SessionStore) {
    this.#real = real;
    this.#switch = switchableStore(real, (verb) => this.#answered(verb));
  }

  /** The store for `createSessions`. */
  get store(): SessionStore {
    return this.#switch.store;
  }

  watch(sessions: PlaygroundSessions): void {
    for (const name of EVENTS) sessions.on(name, (event) => void this.#happened(name, event));
  }

  setAway(isAway: boolean): void {
    this.#switch.isAway = isAway;
    this.#showSoon();
  }

  async join(page: WebSocket): Promise<void> {
    this.#pages.add(page);
    page.on('close', () => this.#pages.delete(page));
    page.send(JSON.stringify(await this.#picture()));
    for (const event of this.#events) page.send(JSON.stringify({ type: 'event', event }));
  }

  #answered(verb: string): void {
    if (READS.has(verb)) this.#reads += 1;
    else if (verb !== 'subscribe') this.#writes += 1;
    this.#showSoon();
  }

  async #happened<Name extends keyof SessionEvents>(name: Name, event: SessionEvents[Name]): Promise<void> {
    const at = Date.now();
    // A record shows which device a session is of, until the record is gone.
    if (name === 'created') await this.#records();
    const reason = 'reason' in event ? event.reason : '';
    const shown = { at, name, id: event.id, device: this.#devices.get(event.id) ?? '', reason };
    this.#events.push(shown);
    if (this.#events.length > KEPT_EVENTS) this.#events.shift();
    this.#send({ type: 'event', event: shown });
  }

  /** One picture for all that happens in a moment. */
  #showSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setTimeout(async () => {
      this.#isDue = false;
      this.#send(await this.#picture());
    }, 30);
  }

  async #picture(): Promise<ObserverMessage> {
    const { isAway } = this.#switch;
    return { type: 'store', isAway, reads: this.#reads, writes: this.#writes, records: await this.#records() };
  }

  async #records(): Promise<StoredRecord[]> {
    const lists = await Promise.all(USERS.map((user) => this.#real.listByOwner?.(user) ?? []));
    const records = lists.flat().map((record) => ({ ...record, device: deviceIn(record) }));
    for (const { id, device } of records) this.#devices.set(id, device);
    return records.sort((a, b) => a.createdAt - b.createdAt);
  }

  #send(message: ObserverMessage): void {
    const text = JSON.stringify(message);
    for (const page of this.#pages) page.send(text);
  }
}

function deviceIn(record: SessionRecord): string {
  const { d }: { d?: { device?: string } } = JSON.parse(record.body);
  return d?.device ?? '';
}
