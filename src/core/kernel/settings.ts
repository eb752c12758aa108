import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { JsonValue } from '../data/json.js';
import { reveal, type Validator, validatorOf } from '../data/schema.js';
import { type Duration, parseDelay, parseDuration } from '../duration.js';
import { SessionError } from '../error.js';
import { harmless, type Logger } from '../logger.js';
import type { Limits } from '../record/deadline.js';
import type { SessionStore } from '../store.js';

/** The options of `createSessions` that are about what a session is. */
export interface CoreOptions<Data> {
  /**
   * Names the account that a session belongs to. A session gets its owner at `create`, for good;
   * one that is older than this option gets it at its next write. Enables the account operations.
   *
   * @default none: sessions have no owner
   */
  readonly ownerOf?: ((data: Data) => string | undefined) | undefined;
  /**
   * Decides about a stored record that cannot be read, or that the schema refuses. `'reject'`: an
   * `INVALID_DATA` error, because a bug in a deploy must not log people out. `'anonymous'`: no
   * session. The record stays either way.
   *
   * @default 'reject'
   */
  readonly onInvalidData?: 'reject' | 'anonymous' | undefined;
  /**
   * Ends a session that was not used for this long; `false`: no limit. OWASP ASVS 7.3.1.
   *
   * @default '7d'
   */
  readonly idleTimeout?: Duration | false | undefined;
  /**
   * Ends a session this long after it was created, however much it is used; `false`: no limit.
   * OWASP ASVS 7.3.2.
   *
   * @default '30d'
   */
  readonly absoluteTimeout?: Duration | false | undefined;
  /**
   * Activity is written at most this often, so that the real idle limit lies between
   * `idleTimeout - touchInterval` and `idleTimeout`.
   *
   * @default 10 minutes or a tenth of `idleTimeout`, whichever is shorter
   */
  readonly touchInterval?: Duration | undefined;
  /**
   * How long the previous token still works after the new one was first used, for requests that
   * were under way; 0 for not at all. An answer that takes longer than this carries no rotated
   * token: its client may hold a newer one by then.
   *
   * @default '10s'
   */
  readonly rotationGrace?: Duration | undefined;
  /**
   * Decides about a replaced token, however old, that comes back later than `rotationGrace` and a
   * minute. `'refuse'` refuses the token, `'destroy'` ends the session. Both emit
   * `reuse-detected`, at most once a minute for a session in each process.
   *
   * @default 'refuse'
   */
  readonly onReuse?: 'refuse' | 'destroy' | undefined;
  /**
   * The most sessions of one owner, exact under concurrent logins (OWASP ASVS 7.1.2). Requires
   * `ownerOf`. The session that a login replaces does not count.
   *
   * @default none
   */
  readonly maxPerOwner?: { readonly max: number; readonly onLimit: 'evict-oldest' | 'deny' } | undefined;
  /**
   * The beginning of every token, by which secret scanners find leaked tokens: at most 32
   * characters of `[A-Za-z0-9_-]`.
   *
   * @default 'ts_'
   */
  readonly tokenPrefix?: string | undefined;
  /**
   * The longest encoded data of one session, in bytes.
   *
   * @default 65536
   */
  readonly maxDataBytes?: number | undefined;
  /**
   * The longest that a store call may take; for bulk work, the longest that one step may take.
   *
   * @default '2s'
   */
  readonly storeTimeout?: Duration | undefined;
  /**
   * Decides about a request when the store fails. `'reject'`: `STORE_UNAVAILABLE` (503), because
   * an outage is not a logout. `'anonymous'`: the request goes on without a session.
   *
   * @default 'reject'
   */
  readonly onStoreError?: 'reject' | 'anonymous' | undefined;
  /**
   * How often the sessions of open streams are looked up, besides the store's notifications. Also
   * the maximum age of a stream's unchanged data.
   *
   * @default '30s'
   */
  readonly recheckInterval?: Duration | undefined;
  /**
   * How often a store that keeps expired sessions (SQL) is swept of those that expired at least an
   * hour ago; `false`: the application must call `sweep()`.
   *
   * @default '1h'
   */
  readonly sweepInterval?: Duration | false | undefined;
  /**
   * With a source that writes to the response: a token older than this is rotated when a request
   * with it has succeeded, and the answer carries the new one. Not with `HEAD`, nor for the page
   * of another site. A failure to rotate fails no request. It needs a `rotationGrace` above 0.
   *
   * @default false
   */
  readonly rotateEvery?: Duration | false | undefined;
  /**
   * Where warnings and errors are reported.
   *
   * @default none: there are no warnings. Errors of the server itself (500) that `handle`, Hono,
   *   Fastify and routes of Next.js hide from clients go to the console
   */
  readonly logger?: Logger | undefined;
  /**
   * The clock, in ms since the epoch. For tests.
   *
   * @default Date.now
   */
  readonly now?: (() => number) | undefined;
}

/**
 * {@link CoreOptions}, checked and complete. The user's functions get plain JSON here, because the
 * core does not know the type of the data.
 */
export interface Settings {
  readonly store: SessionStore;
  readonly validator: Validator | undefined;
  readonly ownerOf: ((data: JsonValue) => unknown) | undefined;
  readonly onInvalidData: 'reject' | 'anonymous';
  readonly limits: Limits;
  readonly touchInterval: number;
  readonly rotationGrace: number;
  readonly onReuse: 'refuse' | 'destroy';
  readonly maxPerOwner: { readonly max: number; readonly onLimit: 'evict-oldest' | 'deny' } | undefined;
  readonly tokenPrefix: string;
  readonly maxDataBytes: number;
  readonly storeTimeout: number;
  readonly onStoreError: 'reject' | 'anonymous';
  readonly recheckInterval: number;
  /** In ms; `Infinity` for never. */
  readonly sweepInterval: number;
  /** In ms; `Infinity` for never. */
  readonly rotateEvery: number;
  readonly logger: Logger | undefined;
  readonly now: () => number;
}

/** @throws `INVALID_OPTION` that names the first wrong option. */
export function normaliseOptions<Data>(
  options: CoreOptions<Data> & {
    readonly store: SessionStore;
    readonly schema?: StandardSchemaV1<unknown, Data> | undefined;
  },
): Settings {
  const idle = timeout(options.idleTimeout ?? '7d', 'idleTimeout');
  return {
    store: checkStore(options.store),
    validator: validatorOf(checkSchema(options.schema)),
    ownerOf: ownerOf(options.ownerOf),
    onInvalidData: oneOf(options.onInvalidData ?? 'reject', ['reject', 'anonymous'], 'onInvalidData'),
    limits: { idle, absolute: timeout(options.absoluteTimeout ?? '30d', 'absoluteTimeout') },
    touchInterval: touchInterval(options.touchInterval, idle),
    rotationGrace: parseDuration(options.rotationGrace ?? '10s', 'rotationGrace', 0),
    onReuse: oneOf(options.onReuse ?? 'refuse', ['refuse', 'destroy'], 'onReuse'),
    maxPerOwner: ownerLimit(options),
    tokenPrefix: tokenPrefix(options.tokenPrefix ?? 'ts_'),
    maxDataBytes: positiveInteger(options.maxDataBytes ?? 65_536, 'maxDataBytes'),
    storeTimeout: parseDelay(options.storeTimeout ?? '2s', 'storeTimeout'),
    onStoreError: oneOf(options.onStoreError ?? 'reject', ['reject', 'anonymous'], 'onStoreError'),
    recheckInterval: parseDelay(options.recheckInterval ?? '30s', 'recheckInterval'),
    sweepInterval:
      options.sweepInterval === false
        ? Number.POSITIVE_INFINITY
        : parseDelay(options.sweepInterval ?? '1h', 'sweepInterval'),
    rotateEvery: rotateEvery(options),
    logger: checkLogger(options.logger),
    now: clock(optionalFunction(options.now, 'now')),
  };
}

/**
 * Looks `Date` up at each call: the fake timers of test runners replace it. Records hold whole
 * milliseconds, which clocks by `performance.now()` do not give.
 */
function clock(now = () => Date.now()): () => number {
  return () => Math.floor(now());
}

function invalid(option: string, expected: string): SessionError {
  return new SessionError('INVALID_OPTION', `${option} must be ${expected}`);
}

function timeout(value: Duration | false, option: string): number {
  return value === false ? Number.POSITIVE_INFINITY : parseDuration(value, option);
}

function touchInterval(value: Duration | undefined, idle: number): number {
  if (value === undefined) return Math.floor(Math.min(600_000, idle / 10));
  const interval = parseDuration(value, 'touchInterval', 0);
  if (interval >= idle) throw invalid('touchInterval', 'shorter than idleTimeout, or sessions in use would end');
  return interval;
}

function rotateEvery<Data>({ rotateEvery: value = false, rotationGrace }: CoreOptions<Data>): number {
  const every = timeout(value, 'rotateEvery');
  if (value === false || rotationGrace === undefined || parseDuration(rotationGrace, 'rotationGrace', 0) > 0)
    return every;
  throw new SessionError(
    'INVALID_OPTION',
    'rotateEvery requires a rotationGrace above 0: an answer can carry a new token only within that time',
  );
}

function tokenPrefix(value: string): string {
  if (typeof value === 'string' && /^[A-Za-z0-9_-]{0,32}$/.test(value)) return value;
  throw invalid('tokenPrefix', 'at most 32 characters of A-Z, a-z, 0-9, _ and -');
}

function positiveInteger(value: number, option: string): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw invalid(option, 'a positive whole number');
}

function oneOf<const Value extends string>(value: Value, allowed: readonly Value[], option: string): Value {
  if (allowed.includes(value)) return value;
  throw invalid(option, allowed.map((each) => `'${each}'`).join(' or '));
}

function optionalFunction<Fn extends ((...args: never[]) => unknown) | undefined>(value: Fn, option: string): Fn {
  if (value === undefined || typeof value === 'function') return value;
  throw invalid(option, 'a function');
}

function ownerOf<Data>(option: ((data: Data) => string | undefined) | undefined): Settings['ownerOf'] {
  const named = optionalFunction(option, 'ownerOf');
  return named && ((data) => named(reveal<Data>(data)));
}

function ownerLimit<Data>({ maxPerOwner, ownerOf }: CoreOptions<Data>): Settings['maxPerOwner'] {
  if (maxPerOwner === undefined) return undefined;
  if (!isObject(maxPerOwner)) throw invalid('maxPerOwner', "an object such as { max: 5, onLimit: 'evict-oldest' }");
  if (ownerOf === undefined) {
    throw new SessionError('INVALID_OPTION', 'maxPerOwner requires ownerOf, which names the account of each session');
  }
  return {
    max: positiveInteger(maxPerOwner.max, 'maxPerOwner.max'),
    onLimit: oneOf(maxPerOwner.onLimit, ['evict-oldest', 'deny'], 'maxPerOwner.onLimit'),
  };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return isObject(value) && names.every((name) => typeof Reflect.get(value, name) === 'function');
}

function checkStore(store: SessionStore): SessionStore {
  if (hasMethods(store, ['insert', 'find', 'replace', 'delete'])) return store;
  throw invalid(
    'store',
    'a SessionStore, such as redisStore(client): an object with insert, find, replace and delete',
  );
}

function checkLogger(logger: Logger | undefined): Logger | undefined {
  if (logger === undefined) return undefined;
  if (hasMethods(logger, ['warn', 'error'])) return harmless(logger);
  throw invalid('logger', 'an object with the methods warn and error, such as console');
}

function checkSchema<Data>(
  schema: StandardSchemaV1<unknown, Data> | undefined,
): StandardSchemaV1<unknown, Data> | undefined {
  // The schemas of some libraries are functions with properties.
  const standard: unknown =
    schema && (isObject(schema) || typeof schema === 'function') ? Reflect.get(schema, '~standard') : undefined;
  if (schema === undefined || hasMethods(standard, ['validate'])) return schema;
  throw invalid('schema', 'a Standard Schema, such as those of zod, valibot and arktype');
}
