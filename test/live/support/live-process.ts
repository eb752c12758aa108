import { createHook } from 'node:async_hooks';
import { createSessions, isSessionError, type Sessions } from '../../../src/index.js';
import { overWebSocket as serveWebSocket } from '../../adapters/trpc/support/hosts.js';
import { type LiveApp, liveApp } from './app.js';
import { at, inGroups } from './schedule.js';
import { counted, type OpenStore, openStore } from './stores.js';
import { overIterable, overSse, overWebSocket, type Subscription } from './subscriptions.js';
import {
  type Body,
  type ClockSetting,
  type Data,
  type Endings,
  type Inspection,
  idOf,
  type LiveStore,
  type Moments,
  monotonic,
  type OpenOptions,
  type Order,
  type Transport,
} from './types.js';

/** Timers that were made and are not cleared, including unreferenced ones. */
const timers = new Set<number>();
const timerCount = createHook({
  init: (id, type) => void (type === 'Timeout' && timers.add(id)),
  destroy: (id) => void timers.delete(id),
});

/**
 * The orders of a worker. Two instances share its store: one holds subscriptions, and the other
 * ends sessions.
 */
export class LiveProcess {
  readonly #opened: OpenStore;
  readonly #counted: ReturnType<typeof counted>;
  readonly #holding: Sessions<Data>;
  readonly #ending: Sessions<Data>;
  readonly #app: LiveApp;
  readonly #held = new Map<string, Subscription>();
  #closed: Endings['closed'] = [];
  /** Ended subscriptions whose clients have not gone yet: a socket outlives its subscription. */
  #staying: Subscription[] = [];
  #socketServer: ReturnType<typeof serveWebSocket> | undefined;
  #clock: ClockSetting | undefined;

  private constructor(opened: OpenStore, recheckInterval: number, lifetime: number | undefined) {
    this.#opened = opened;
    this.#counted = counted(opened.store);
    // One call ends an account of ten thousand sessions, on a machine that does other work as
    // well.
    const limits = lifetime === undefined ? {} : ({ idleTimeout: false, absoluteTimeout: lifetime } as const);
    const options = {
      ownerOf: (data: Data) => data.owner,
      storeTimeout: '60s',
      now: () => this.#now(),
      ...limits,
    } as const;
    this.#holding = createSessions<Data>({ ...options, store: this.#counted.store, recheckInterval });
    this.#ending = createSessions<Data>({ ...options, store: opened.store });
    this.#app = liveApp(this.#holding);
  }

  /** `countTimers` is for finding leaks: it makes every promise more expensive. */
  static async open(
    config: LiveStore,
    recheckInterval: number,
    { countTimers, lifetime }: OpenOptions,
  ): Promise<LiveProcess> {
    if (countTimers) timerCount.enable();
    return new LiveProcess(await openStore(config), recheckInterval, lifetime);
  }

  #now(): number {
    if (!this.#clock) return Date.now();
    const { shows, since } = this.#clock;
    return since === undefined ? shows : Math.floor(shows + monotonic() - since);
  }

  async obey(order: Exclude<Order, { do: 'open' }>): Promise<unknown> {
    switch (order.do) {
      case 'create':
        return this.#create(order.count, order.owner);
      case 'hold':
        return this.#hold(order);
      case 'serve':
        return this.#url();
      case 'release':
        return this.#release();
      case 'clock':
        this.#clock = order.clock;
        return undefined;
      case 'sweep at':
        return at(order.moment).then(() => this.#ending.sweep());
      case 'end each':
        return this.#endEach(order.ids, order.pause);
      case 'end all':
        return this.#endAll(order.owner);
      case 'hold at':
        return this.#holdAt(order.tokens, order.moments);
      case 'end at':
        return this.#endAt(order.ids, order.moments);
      case 'turns':
        return this.#raceByTurns(order.rounds, order.mostTurns);
      case 'endings':
        return this.#endings(order.patience);
      case 'leave':
        return this.#leave();
      case 'cycles':
        return this.#cycle(order.token, order.count, order.transport);
      case 'mute':
        if (this.#opened.proxy) this.#opened.proxy.muted = order.muted;
        return undefined;
      case 'inspect':
        return this.#inspect();
      case 'close':
        return this.#close();
    }
  }

  async #create(count: number, owner: string): Promise<string[]> {
    return inGroups(count, 100, async () => (await this.#ending.create({ owner })).token);
  }

  /** Returns the number that have opened. */
  async #hold({ tokens, transport, body, read, url: given }: Extract<Order, { do: 'hold' }>): Promise<number> {
    const url = transport === 'WebSocket' ? (given ?? (await this.#url())) : '';
    const opened = await inGroups(
      tokens.length,
      100,
      (index) => this.#open(tokens[index] ?? '', transport, body, read, url).opened,
    );
    return opened.filter(Boolean).length;
  }

  #open(token: string, transport: Transport, body: Body, read: boolean, url = ''): Subscription {
    const id = idOf(token);
    const subscription =
      transport === 'iterable'
        ? overIterable(this.#app, token, body, read)
        : transport === 'SSE'
          ? overSse(this.#app, token, body, read)
          : overWebSocket(url, token, body, read);
    this.#held.set(id, subscription);
    void subscription.ended.then((how) => {
      this.#held.delete(id);
      this.#staying.push(subscription);
      this.#closed.push([id, monotonic(), how]);
    });
    return subscription;
  }

  #release(): number {
    this.#app.release();
    return monotonic();
  }

  async #url(): Promise<string> {
    this.#socketServer ??= serveWebSocket(this.#app);
    return (await this.#socketServer).url;
  }

  async #endEach(ids: readonly string[], pause: number): Promise<Moments> {
    const ended: Moments = [];
    for (const id of ids) {
      await this.#endInAnyCase(id);
      ended.push([id, monotonic()]);
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    }
    return ended;
  }

  /**
   * Repeats while the store is away: until it succeeds, the session has not ended for its callers.
   */
  async #endInAnyCase(id: string): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return void (await this.#ending.destroy(id));
      } catch (error) {
        if (tries === 100 || !isSessionError(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  async #endAll(owner: string): Promise<{ readonly count: number; readonly from: number; readonly to: number }> {
    const from = monotonic();
    const count = await this.#ending.destroyFor(owner);
    return { count, from, to: monotonic() };
  }

  async #holdAt(tokens: readonly string[], moments: readonly number[]): Promise<void> {
    await Promise.all(
      tokens.map((token, index) =>
        at(moments[index] ?? 0).then(() => this.#open(token, 'iterable', 'waits for ever', true).opened),
      ),
    );
  }

  async #endAt(ids: readonly string[], moments: readonly number[]): Promise<Moments> {
    return Promise.all(
      ids.map(async (id, index) => {
        await at(moments[index] ?? 0);
        await this.#ending.destroy(id);
        return [id, monotonic()] satisfies [string, number];
      }),
    );
  }

  /**
   * Ends each session this many turns of the event loop, or of the microtask queue, after its
   * subscription began to open.
   */
  async #raceByTurns(rounds: number, mostTurns: number): Promise<void> {
    await inGroups(rounds, 20, async () => {
      const { id, token } = await this.#ending.create({ owner: 'racer' });
      const subscription = this.#open(token, 'iterable', 'waits for ever', true);
      const turns = Math.floor(Math.random() * mostTurns);
      for (let turn = 0; turn < turns; turn += 1)
        await (turn % 8 === 7 ? new Promise((resolve) => setImmediate(resolve)) : undefined);
      await this.#ending.destroy(id);
      await subscription.opened;
    });
  }

  /** The ends since the last question, once nothing is open any more or `patience` ms are over. */
  async #endings(patience: number): Promise<Endings> {
    const all = Promise.all([...this.#held.values()].map(({ ended }) => ended));
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([
      all,
      new Promise((resolve) => {
        timer = setTimeout(resolve, patience);
      }),
    ]);
    clearTimeout(timer);
    await Promise.all(this.#staying.splice(0).map((each) => each.leave()));
    const closed = this.#closed;
    this.#closed = [];
    return { stopped: this.#app.stopped.splice(0), closed, open: [...this.#held.keys()] };
  }

  async #leave(): Promise<void> {
    // Subscriptions whose bodies wait for ever keep waiting.
    for (const each of this.#held.values()) void each.leave();
    this.#held.clear();
    this.#closed = [];
  }

  /** Consumers that come and go. */
  async #cycle(token: string, count: number, transport: Transport): Promise<void> {
    const url = transport === 'WebSocket' ? await this.#url() : '';
    const open = (): Subscription => {
      if (transport === 'iterable') return overIterable(this.#app, token, 'waits for its client to go', true);
      if (transport === 'SSE') return overSse(this.#app, token, 'waits for its client to go', true);
      return overWebSocket(url, token, 'waits for its client to go', true);
    };
    await inGroups(count, 50, async () => {
      const subscription = open();
      if (!(await subscription.opened)) throw new Error(`a subscription did not open: ${await subscription.ended}`);
      await subscription.leave();
    });
  }

  async #inspect(): Promise<Inspection> {
    // Closed objects release the rest in a few turns. Timers are known to be gone once they are
    // collected.
    for (let turn = 0; turn < 5; turn += 1) {
      globalThis.gc?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { heapUsed, rss } = process.memoryUsage();
    const handles = process
      .getActiveResourcesInfo()
      .filter((each) => each !== 'Timeout' && each !== 'Immediate').length;
    const { calls, live } = this.#counted;
    return {
      heap: heapUsed,
      rss,
      timers: timers.size,
      handles,
      subscribed: live.subscribed,
      calls: { ...calls },
      bodies: { ...this.#app.bodies },
    };
  }

  async #close(): Promise<void> {
    await this.#leave();
    await Promise.all([this.#holding.close(), this.#ending.close()]);
    await (await this.#socketServer)?.stop();
    await this.#opened.close();
  }
}
