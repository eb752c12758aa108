import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { JsonValue } from '../data/json.js';
import { reveal, type Validator, validatorOf } from '../data/schema.js';
import { type Duration, parseDuration } from '../duration.js';
import { SessionError } from '../error.js';
import type { Logger } from '../logger.js';
import type { Limits } from '../record/deadline.js';
import type { SessionStore } from '../store.js';

/** The options of `createSessions` that are about what a session is. */
export interface CoreOptions<Data> {
  /** Names the account that a session belongs to, at `create`, for good; switches on the account operations. */
  readonly ownerOf?: ((data: Data) => string | undefined) | undefined;
  /** What to do with a stored record that cannot be read or that the schema refuses. Default `'reject'`: an `INVALID_DATA` error. */
  readonly onInvalidData?: 'reject' | 'anonymous' | undefined;
  /** Ends a session that was not used for this long. Default `'7d'`; `false` for no limit. */
  readonly idleTimeout?: Duration | false | undefined;
  /** Ends a session this long after it was created, whatever its use. Default `'30d'`; `false` for no limit. */
  readonly absoluteTimeout?: Duration | false | undefined;
  /** Activity is written at most this often. Default: 10 minutes or a tenth of `idleTimeout`, whichever is shorter. */
  readonly touchInterval?: Duration | undefined;
  /** How long the previous token still works once the new one has been used. Default `'10s'`; 0 for not at all. */
  readonly rotationGrace?: Duration | undefined;
  /** What happens when a replaced token, however old, comes back after its grace. Default `'refuse'`. */
  readonly onReuse?: 'refuse' | 'destroy' | undefined;
  /** The most sessions of one owner, kept exactly under concurrent logins. Default: no limit. */
  readonly maxPerOwner?: { readonly max: number; readonly onLimit: 'evict-oldest' | 'deny' } | undefined;
  /** What tokens begin with, so that secret scanners find leaked ones. At most 32 characters of `[A-Za-z0-9_-]`. Default `'ts_'`. */
  readonly tokenPrefix?: string | undefined;
  /** The longest encoded data of one session, in bytes. Default 65,536. */
  readonly maxDataBytes?: number | undefined;
  /** The longest that a store call may take. Default `'2s'`. */
  readonly storeTimeout?: Duration | undefined;
  /** `'anonymous'`: when the store fails, a request goes on without a session. Default `'reject'`: `STORE_UNAVAILABLE`. */
  readonly onStoreError?: 'reject' | 'anonymous' | undefined;
  /** How often the sessions that somebody watches are looked up, besides the store's notifications. Default `'30s'`. */
  readonly recheckInterval?: Duration | undefined;
  /**
   * How often a store that keeps expired sessions (SQL) is swept, of those that expired at least an hour
   * ago. Default `'1h'`; `false`: the application calls `sweep()`.
   */
  readonly sweepInterval?: Duration | false | undefined;
  /**
   * With a source that writes to the response: a token older than this is rotated when it is used, and
   * the response carries the new one. Default `false`: the application calls `rotate()`.
   */
  readonly rotateEvery?: Duration | false | undefined;
  /** Where warnings and errors are reported. Default: nowhere. */
  readonly logger?: Logger | undefined;
  /** The clock, in ms since the epoch. Default `Date.now`. For tests. */
  readonly now?: (() => number) | undefined;
}

/** {@link CoreOptions}, checked and complete. What the user's functions are given is JSON by here; the core does without its type. */
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

/** The longest delay of a timer: one above it fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

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
    storeTimeout: timerDelay(options.storeTimeout ?? '2s', 'storeTimeout'),
    onStoreError: oneOf(options.onStoreError ?? 'reject', ['reject', 'anonymous'], 'onStoreError'),
    recheckInterval: timerDelay(options.recheckInterval ?? '30s', 'recheckInterval'),
    sweepInterval: options.sweepInterval === false ? Number.POSITIVE_INFINITY : timerDelay(options.sweepInterval ?? '1h', 'sweepInterval'),
    rotateEvery: timeout(options.rotateEvery ?? false, 'rotateEvery'),
    logger: checkLogger(options.logger),
    now: optionalFunction(options.now, 'now') ?? Date.now,
  };
}

function invalid(option: string, expected: string): SessionError {
  return new SessionError('INVALID_OPTION', `${option} has to be ${expected}`);
}

function timeout(value: Duration | false, option: string): number {
  return value === false ? Number.POSITIVE_INFINITY : parseDuration(value, option);
}

function timerDelay(value: Duration, option: string): number {
  const delay = parseDuration(value, option);
  if (delay > LONGEST_TIMER) throw invalid(option, 'at most 24 days');
  return delay;
}

function touchInterval(value: Duration | undefined, idle: number): number {
  if (value === undefined) return Math.floor(Math.min(600_000, idle / 10));
  const interval = parseDuration(value, 'touchInterval', 0);
  if (interval >= idle) throw invalid('touchInterval', 'shorter than idleTimeout, or sessions in use would end');
  return interval;
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
  if (ownerOf === undefined) throw invalid('maxPerOwner', 'accompanied by ownerOf, which tells whose sessions are counted');
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
  throw invalid('store', 'a SessionStore, such as redisStore(client): an object with insert, find, replace and delete');
}

function checkLogger(logger: Logger | undefined): Logger | undefined {
  if (logger === undefined || hasMethods(logger, ['warn', 'error'])) return logger;
  throw invalid('logger', 'an object with the methods warn and error, such as console');
}

function checkSchema<Data>(schema: StandardSchemaV1<unknown, Data> | undefined): StandardSchemaV1<unknown, Data> | undefined {
  // Some libraries' schemas are functions with properties.
  const standard: unknown = schema && (isObject(schema) || typeof schema === 'function') ? Reflect.get(schema, '~standard') : undefined;
  if (schema === undefined || hasMethods(standard, ['validate'])) return schema;
  throw invalid('schema', 'a Standard Schema, such as those of zod, valibot and arktype');
}
