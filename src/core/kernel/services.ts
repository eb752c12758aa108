import { EventHub } from '../events.js';
import { AccountLimit } from './account-limit.js';
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

/** The operations on records and snapshots. Each `createSessions` has its own set. */
export interface Services {
  readonly settings: Settings;
  readonly events: EventHub;
  readonly store: GuardedStore;
  readonly reader: Reader;
  readonly queue: WriteQueue;
  readonly live: LiveSessions;
  readonly limit: AccountLimit;
  readonly lifecycle: Lifecycle;
  readonly authentication: Authentication;
  readonly accounts: Accounts;
  readonly sweeper: Sweeper;
  /** The services for one request: these, except where {@link requestsAreApart}. */
  readonly forRequest: () => Services;
}

/** Builds the services in the order of their dependencies. */
export function createServices(settings: Settings): Services {
  const events = new EventHub(settings.logger);
  const services = wire(settings, events, new ReportLimit(), requestsAreApart());
  if (settings.store.atomic === false) {
    settings.logger?.warn(
      'token-sessions: the store cannot compare and swap: writes of different processes may overwrite each other',
    );
  }
  settings.store.onWarning?.((message) => {
    settings.logger?.warn(`token-sessions: ${message}`);
    events.emit('store-error', { id: '', reason: message });
  });
  return services;
}

/** Wires the services, from the bottom up. */
function wire(settings: Settings, events: EventHub, reports: ReportLimit, isApart: boolean): Services {
  const store = new GuardedStore(settings.store, settings.storeTimeout, events, settings.logger);
  const reader = new Reader(store, settings, events);
  const queue = new WriteQueue(store, reader, settings, events);
  const live = new LiveSessions(store, settings);
  const sweeper = new Sweeper(store, settings);
  // A request has no timers after its end: there the application sweeps, in a scheduled handler.
  if (isApart) sweeper.close();
  const limit = new AccountLimit(store, reader, live, events, settings);
  const lifecycle = new Lifecycle(store, limit, queue, live, sweeper, events, settings);
  const authentication = new Authentication(store, reader, queue, lifecycle, events, settings, reports);
  const accounts = new Accounts(store, reader, live, lifecycle, events, settings);
  const services: Services = {
    settings,
    events,
    store,
    reader,
    queue,
    live,
    limit,
    lifecycle,
    authentication,
    accounts,
    sweeper,
    forRequest: () => (isApart ? wire(settings, events, reports, isApart) : services),
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
  return Reflect.get(Object(Reflect.get(globalThis, 'navigator')), 'userAgent') === 'Cloudflare-Workers';
}
