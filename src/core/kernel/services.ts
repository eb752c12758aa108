import { EventHub } from '../events.js';
import { Accounts } from './accounts.js';
import { Authentication } from './authentication.js';
import { GuardedStore } from './guarded-store.js';
import { Lifecycle } from './lifecycle.js';
import { LiveSessions } from './live-sessions.js';
import { Reader } from './reader.js';
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
  readonly lifecycle: Lifecycle;
  readonly authentication: Authentication;
  readonly accounts: Accounts;
  readonly sweeper: Sweeper;
}

/** Builds the services in the order of their dependencies. */
export function createServices(settings: Settings): Services {
  const events = new EventHub(settings.logger);
  const store = new GuardedStore(settings.store, settings.storeTimeout, events, settings.logger);
  const reader = new Reader(store, settings, events);
  const queue = new WriteQueue(store, reader, settings, events);
  const live = new LiveSessions(store, settings);
  const sweeper = new Sweeper(store, settings);
  const lifecycle = new Lifecycle(store, queue, live, sweeper, events, settings);
  const authentication = new Authentication(store, reader, queue, lifecycle, events, settings);
  const accounts = new Accounts(store, reader, live, lifecycle, events, settings);
  if (settings.store.atomic === false) {
    settings.logger?.warn('token-sessions: the store cannot compare and swap: writes of different processes may overwrite each other');
  }
  settings.store.onWarning?.((message) => {
    settings.logger?.warn(`token-sessions: ${message}`);
    events.emit('store-error', { id: '', reason: message });
  });
  return { settings, events, store, reader, queue, live, lifecycle, authentication, accounts, sweeper };
}
