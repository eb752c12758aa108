import { EventHub } from '../events.js';
import { Accounts } from './accounts.js';
import { Authentication } from './authentication.js';
import { GuardedStore } from './guarded-store.js';
import { Lifecycle } from './lifecycle.js';
import { LiveSessions } from './live-sessions.js';
import { Reader } from './reader.js';
import type { Settings } from './settings.js';
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
}

/** Wires the services, from the bottom up. */
export function createServices(settings: Settings): Services {
  const events = new EventHub(settings.logger);
  const store = new GuardedStore(settings.store, settings.storeTimeout, events, settings.logger);
  const reader = new Reader(store, settings, events);
  const queue = new WriteQueue(store, reader, settings, events);
  const live = new LiveSessions(store, settings);
  const lifecycle = new Lifecycle(store, queue, live, events, settings);
  const authentication = new Authentication(store, reader, queue, lifecycle, events, settings);
  const accounts = new Accounts(store, reader, live, lifecycle, events, settings);
  if (settings.store.atomic === false) {
    settings.logger?.warn('token-sessions: the store cannot compare and swap: writes of different processes may overwrite each other');
  }
  return { settings, events, store, reader, queue, live, lifecycle, authentication, accounts };
}
