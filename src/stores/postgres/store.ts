import { SessionError } from '../../core/error.js';
import type { SessionStore } from '../../core/store.js';
import { type Channel, Notifications } from '../shared/notifications.js';
import { channelOver } from './channel.js';
import { checkClient, isPool, type PostgresClient, type Runner, runnerOf } from './client.js';
import { namesOf, type TableOptions } from './names.js';
import { createTables } from './tables.js';
import { type Verbs, verbsOf } from './verbs.js';

export interface PostgresStoreOptions extends TableOptions {
  /**
   * By which client notifications of ended sessions are heard: a pool, of which one connection is taken while there are live sessions;
   * PGlite; or a connected `Client` of pg, which is not replaced when it is lost. Default: the store's own client. Not through a pooler that hands
   * out connections by the transaction, such as PgBouncer's: pass one that goes to the server. `false`: none are
   * heard, and live sessions are ended by rechecks.
   */
  readonly subscriber?: PostgresClient | false | undefined;
}

/** A {@link SessionStore} with every capability; `subscribe` where the client can listen. */
export interface PostgresStore extends Verbs, Pick<SessionStore, 'subscribe'> {
  /**
   * Makes the table and its indexes where they are missing. May be called by every process at every start. Else run {@link createTablesSql}
   * as a migration.
   *
   * @throws `INVALID_OPTION` where the table has other columns, or the server is too old
   */
  createTables(): Promise<void>;
}

/**
 * A store in PostgreSQL 12 or later, through any client with `query(text, params)`.
 *
 * | verb | statements |
 * | --- | --- |
 * | `insert` | one `INSERT … ON CONFLICT` |
 * | `find` · `findMany` · `listByOwner` · `count` | one `SELECT` |
 * | `replace` | one: locks the row (`FOR NO KEY UPDATE`), compares its newest version, updates it |
 * | `delete` · `deleteByOwner` · `clear` | one `DELETE`, with `pg_notify` of the ended ids |
 * | `insertWithin` | one message of three statements, one transaction: an advisory lock of the owner, then count, evict, insert and notify |
 * | `sweep` | one `DELETE` for each 1,000 records, skipping those that are locked |
 *
 * Each verb is atomic, answered after its commit, and right at READ COMMITTED, the default; under stricter defaults it is tried again when the
 * server reports a serialisation failure. Notifications leave with the commit of what they tell. `deleteByOwner` ends what had been inserted when
 * it began: a login that races it is either ended or answered after that moment.
 *
 * What can be lost: nothing that was answered, by a crash of the server or of this process or by a disk that is full (writes are refused until there is room),
 * with the defaults. With `synchronous_commit = off` a
 * crash of the server takes the last moments with it, and a fail-over to an asynchronous standby what had not been sent there: among it perhaps
 * a logout, whose session is back until its deadline. Notifications are not kept for those who are away: after a reconnection everything live is
 * checked again. The client has to talk to the primary, also for reading.
 *
 * Owners are stored as they are; U+0000, lone surrogates and U+001A in them as U+001A and four hexadecimal digits.
 *
 * The connection is the caller's: it is never closed, and must not be one with an open transaction. Of a pool one connection is kept while there are
 * live sessions, so close the sessions before the pool, whose `end()` waits for it. Set a connection timeout on pools, or calls pile up in an outage.
 *
 * @throws `INVALID_OPTION`
 */
export function postgresStore(client: PostgresClient, options: PostgresStoreOptions = {}): PostgresStore {
  checkClient(client, 'client');
  const names = namesOf(options);
  const runner = runnerOf(client, names.table);
  const channel = channelOf(client, runner, names.channel, options.subscriber);
  const notifications = channel && new Notifications(channel);
  return {
    ...verbsOf(runner, names),
    createTables: () => createTables(runner, names),
    ...(notifications && { subscribe: (listener) => notifications.subscribe(listener) }),
  };
}

function channelOf(
  client: PostgresClient,
  runner: Runner,
  name: string,
  subscriber: PostgresStoreOptions['subscriber'],
): Channel | undefined {
  if (subscriber === false) return undefined;
  if (subscriber === undefined || subscriber === client) return channelOver(client, runner, name);
  checkClient(subscriber, 'subscriber');
  const channel = channelOver(subscriber, runnerOf(subscriber, ''), name);
  if (channel) return channel;
  const why = isPool(subscriber) ? 'has a single connection' : 'emits no notifications';
  throw new SessionError('INVALID_OPTION', `subscriber ${why}: pass a Pool of at least 2 or a Client of pg, PGlite, or false`);
}
