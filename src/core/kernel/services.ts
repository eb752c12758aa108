import { EventHub } from '../events.js';
import { Accounts } from './accounts.js';
import { Authentication } from './authentication.js';
import { GuardedStore } from './guarded-store.js';
import { Lifecycle } from './lifecycle.js';
import { LiveSessions } from './live-sessions.js';
import { Reader } from './reader.js';
import { ReportLimit } from './report-limit.js';
import type { Settings } from './settings.js';
import { Sweeper } from './sweeper.js';
import { WriteQueue } from './write-queue.js';

/** The operations on sessions as records and snapshots. One set for each `createSessions`. */
export interface Services {
  readonly settings: Settings;
  readonly events: EventHub;
  readonly store: GuardedStore;
  readonly reader: Reader;
  readonly queue: WriteQueue;
  readonly live: LiveSessions;
  readonly lifecycle: Lifecycle;
  readonly authentication: Authentication;
  readonly accounts: Accounts;
  readonly sweeper: Sweeper;
  /** The services for one request: these, except where {@link requestsAreApart}. */
  forRequest(): Services;
}

/** What all sets of services of one `createSessions` have in common. */
interface Shared {
  readonly settings: Settings;
  readonly events: EventHub;
  readonly reports: ReportLimit;
}

export function createServices(settings: Settings): Services {
  const shared: Shared = { settings, events: new EventHub(settings.logger), reports: new ReportLimit() };
  const services = wire(shared, requestsAreApart());
  if (settings.store.atomic === false) {
    settings.logger?.warn('token-sessions: the store cannot compare and swap: writes of different processes may overwrite each other');
  }
  settings.store.onWarning?.((message) => {
    settings.logger?.warn(`token-sessions: ${message}`);
    shared.events.emit('store-error', { id: '', reason: message });
  });
  return services;
}

/** Wires the services, from the bottom up. */
function wire(shared: Shared, isApart: boolean): Services {
  const { settings, events, reports } = shared;
  const store = new GuardedStore(settings.store, settings.storeTimeout, events, settings.logger);
  const reader = new Reader(store, settings, events);
  const queue = new WriteQueue(store, reader, settings, events);
  const live = new LiveSessions(store, settings);
  // A request has no timers after its end: there the application sweeps, in a scheduled handler.
  const sweeper = new Sweeper(store, isApart ? { ...settings, sweepInterval: Number.POSITIVE_INFINITY } : settings);
  const lifecycle = new Lifecycle(store, queue, live, sweeper, events, settings);
  const authentication = new Authentication(store, reader, queue, lifecycle, events, settings, reports);
  const accounts = new Accounts(store, reader, live, lifecycle, events, settings);
  const services: Services = {
    ...{ settings, events, store, reader, queue, live, lifecycle, authentication, accounts, sweeper },
    forRequest: () => (isApart ? wire(shared, true) : services),
  };
  return services;
}

/**
 * Whether requests must share nothing that waits. Cloudflare Workers end the timers and the store
 * calls of a request with it, also when its client leaves. Another request that waited for them
 * would never go on: with one write queue for all, the first client to leave during a write blocks
 * its session until the Worker restarts.
 */
function requestsAreApart(): boolean {
  // Node 20 has no `navigator`.
  const navigator: unknown = Reflect.get(globalThis, 'navigator');
  return typeof navigator === 'object' && navigator !== null && Reflect.get(navigator, 'userAgent') === 'Cloudflare-Workers';
}
