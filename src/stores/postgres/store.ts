import { SessionError } from '../../core/error.js';
import { checkOptions, checkSwitch } from '../../core/options.js';
import type { SessionStore } from '../../core/store.js';
import { type Channel, Notifications } from '../shared/notifications.js';
import { Warnings } from '../shared/warnings.js';
import { channelOver } from './channel.js';
import { checkClient, type PostgresClient } from './client.js';
import { namesOf, type TableOptions } from './names.js';
import { Notifier } from './notifier.js';
import { Runner } from './runner.js';
import { statementsOf } from './statements.js';
import { createTables } from './tables.js';
import { type Verbs, verbsOf } from './verbs.js';

/** Options of {@link postgresStore}. */
export interface PostgresStoreOptions extends TableOptions {
  /**
   * Where notifications of ended sessions are heard. A client: a pool, PGlite or a connected
   * `Client` of pg that goes to the server itself, where `client` goes through a pooler such as
   * PgBouncer. `false`: none are heard, and live sessions are ended by rechecks.
   *
   * @default a connection of its own with the settings of the pool, or the client itself where it
   *   is PGlite or a `Client` of pg
   */
  readonly subscriber?: PostgresClient | false | undefined;
  /**
   * `false` sends no notifications: other processes end live sessions by rechecks.
   *
   * @default true
   */
  readonly notify?: boolean | undefined;
  /**
   * Whether the server prepares the statements, which halves its work for them. Only with clients
   * of pg. Pass `false` behind a pooler that hands out connections by the transaction, such as
   * PgBouncer before 1.21.
   *
   * @default true
   */
  readonly prepare?: boolean | undefined;
}

/** A {@link SessionStore} with every verb. It has `subscribe` if the client can listen. */
export interface PostgresStore
  extends Verbs,
    Pick<SessionStore, 'subscribe'>,
    Required<Pick<SessionStore, 'onWarning'>> {
  /**
   * Creates the table and its indexes if they are missing, and updates those of an older version.
   * Every process may call it at every start. Alternatively, run {@link createTablesSql} as a
   * migration.
   *
   * @throws `INVALID_OPTION` if the table has other columns, or the server is too old
   */
  createTables(): Promise<void>;
}

/**
 * A store in PostgreSQL 12 or later, through any client with `query(text, params)`: a `Pool` or
 * `Client` of pg, PGlite, Neon, and others by a wrapper of one line (see docs/stores/postgres.md).
 *
 * @example
 * const store = postgresStore(new pg.Pool({ connectionString }));
 * await store.createTables();
 *
 * @throws `INVALID_OPTION`
 */
export function postgresStore(client: PostgresClient, options: PostgresStoreOptions = {}): PostgresStore {
  checkClient(client, 'client');
  checkOptions(options, 'postgresStore(client, options)');
  const { subscriber, notify = true, prepare = true } = options;
  checkSwitch(notify, 'notify');
  checkSwitch(prepare, 'prepare');
  const warnings = new Warnings();
  const runner = new Runner(client, prepare, warnings);
  let names = namesOf(options);
  let statements = statementsOf(names);
  const notifier = notify ? new Notifier(runner, names.channel, warnings) : undefined;
  const channel = channelFor(client, runner, names.channel, subscriber);
  const notifications = channel && new Notifications(channel);
  return {
    ...verbsOf({ runner, statements: () => statements, ended: (ids) => notifier?.ended(ids) }),
    async createTables() {
      // From now on with the schema, because another connection's search path may find another
      // table.
      names = await createTables(runner, options);
      statements = statementsOf(names);
    },
    onWarning: (listener) => warnings.add(listener),
    ...(notifications && { subscribe: (listener) => notifications.subscribe(listener) }),
  };
}

function channelFor(
  client: PostgresClient,
  runner: Runner,
  name: string,
  subscriber: PostgresStoreOptions['subscriber'],
): Channel | undefined {
  if (subscriber === false) return undefined;
  if (subscriber === undefined || subscriber === client) return channelOver(client, runner, name);
  checkClient(subscriber, 'subscriber');
  const channel = channelOver(subscriber, new Runner(subscriber, false, new Warnings()), name);
  if (channel) return channel;
  throw new SessionError(
    'INVALID_OPTION',
    'subscriber does not emit notifications: pass a Pool or Client of pg, PGlite, or false',
  );
}
