import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { JsonObject } from './core/data/json.js';
import { harmless } from './core/logger.js';
import { checkOptions } from './core/options.js';
import type { SessionStore } from './core/store.js';
import { type HttpOptions, openSessions, type Sessions } from './http/sessions.js';
import { checkLegacy, foreignCredentials } from './legacy/foreign-tokens.js';
import { memoryStore } from './stores/memory/index.js';

/** The options of {@link createSessions}, without a schema. */
export interface SessionsOptions<Data> extends Omit<HttpOptions<Data>, 'store' | 'schema'> {
  /**
   * Where sessions live.
   *
   * @default memoryStore(): for one process, and gone with it
   */
  readonly store?: SessionStore | undefined;
  /**
   * Without a schema the data is not checked, and has the type that is named.
   *
   * @default none
   */
  readonly schema?: undefined;
}

/** The options of {@link createSessions}, with a schema. */
export interface SchemaSessionsOptions<Schema extends StandardSchemaV1>
  extends Omit<HttpOptions<StandardSchemaV1.InferOutput<Schema>>, 'store' | 'schema'> {
  /**
   * Where sessions live.
   *
   * @default memoryStore(): for one process, and gone with it
   */
  readonly store?: SessionStore | undefined;
  /**
   * Checks the data on create, on save and on load: a Standard Schema (zod, valibot, arktype …).
   * `create` takes its input; `data` is its output. The output must be JSON and valid input, since
   * it is what is read next time. So defaults and tolerant parsing migrate old records.
   */
  readonly schema: OutputIsInput<Schema>;
}

/** The schema itself if its output is valid input. Otherwise a type that names the problem. */
type OutputIsInput<Schema extends StandardSchemaV1> =
  StandardSchemaV1.InferOutput<Schema> extends StandardSchemaV1.InferInput<Schema>
    ? Schema
    : { readonly 'the output of the schema must be valid input of it': never };

/**
 * Sessions for one application: typed by `schema`, or by a type argument.
 *
 * @example
 * const sessions = createSessions({
 *   store: redisStore(client),
 *   schema: z.object({ userId: z.string(), views: z.number().default(0) }),
 *   ownerOf: (data) => data.userId,
 * });
 *
 * @example
 * const sessions = createSessions<{ userId: string }>({ idleTimeout: '1h' });
 *
 * @throws `INVALID_OPTION` that names the option
 */
export function createSessions<Schema extends StandardSchemaV1>(
  options: SchemaSessionsOptions<Schema>,
): Sessions<StandardSchemaV1.InferOutput<Schema>, StandardSchemaV1.InferInput<Schema>>;
export function createSessions<Data = JsonObject>(options?: SessionsOptions<Data>): Sessions<Data>;
export function createSessions<Data>(
  options: Omit<HttpOptions<Data>, 'store'> & { readonly store?: SessionStore | undefined } = {},
): Sessions<Data> {
  // A store is an option, and no object of options.
  checkOptions(Object(options).find ? undefined : options, 'createSessions({ store })');

  const { store, ...rest } = options;
  const sessions = openSessions<Data, Data>(
    { ...rest, store: store === undefined ? memoryStore({ now: options.now }) : store },
    { read: foreignCredentials, check: ({ legacy }) => checkLegacy(legacy) },
  );
  if (!store && options.logger && typeof process !== 'undefined' && process.env['NODE_ENV'] === 'production') {
    harmless(options.logger).warn(
      'token-sessions: the default memoryStore() keeps sessions in this process alone: they are lost when it ends. Pass another store',
    );
  }
  return sessions;
}
