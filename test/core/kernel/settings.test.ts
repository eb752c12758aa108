import { Redis } from 'ioredis';
import Database from 'libsql';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { normaliseOptions } from '../../../src/core/kernel/settings.js';
import {
  bearer,
  cookie,
  createSessions,
  header,
  isSessionError,
  memoryStore,
  SessionError,
} from '../../../src/index.js';
import { expressLegacy, expressStore } from '../../../src/stores/express-store/index.js';
import { createTablesSql, postgresStore } from '../../../src/stores/postgres/index.js';
import { redisStore } from '../../../src/stores/redis/index.js';
import { createTablesSql as createSqliteTablesSql, sqliteStore } from '../../../src/stores/sqlite/index.js';

/** Options that JavaScript callers may get wrong. */
const wrong: [string, object, string][] = [
  ['idleTimeout', { idleTimeout: '7 days' }, 'idleTimeout'],
  ['idleTimeout of 0', { idleTimeout: 0 }, 'idleTimeout'],
  ['idleTimeout with a fraction', { idleTimeout: 1.5 }, 'idleTimeout'],
  ['negative idleTimeout', { idleTimeout: '-1s' }, 'idleTimeout'],
  ['idleTimeout of NaN', { idleTimeout: Number.NaN }, 'idleTimeout'],
  ['idleTimeout of null', { idleTimeout: null as never as number, absoluteTimeout: 'x' }, 'absoluteTimeout'],
  ['idleTimeout of true', { idleTimeout: true }, 'idleTimeout'],
  ['idleTimeout of a thousand years', { idleTimeout: '365000d' }, 'idleTimeout'],
  ['absoluteTimeout', { absoluteTimeout: '1y' }, 'absoluteTimeout'],
  ['touchInterval', { touchInterval: 'often' }, 'touchInterval'],
  ['touchInterval as long as the idle timeout', { idleTimeout: '1h', touchInterval: '1h' }, 'touchInterval'],
  ['rotationGrace', { rotationGrace: -1 }, 'rotationGrace'],
  ['rotateEvery without a grace', { rotateEvery: '1h', rotationGrace: 0 }, 'rotateEvery'],
  ['storeTimeout', { storeTimeout: 0 }, 'storeTimeout'],
  ['storeTimeout beyond what a timer can', { storeTimeout: '30d' }, 'storeTimeout'],
  ['recheckInterval', { recheckInterval: 'soon' }, 'recheckInterval'],
  ['recheckInterval beyond what a timer can', { recheckInterval: '25d' }, 'recheckInterval'],
  ['sweepInterval', { sweepInterval: 'soon' }, 'sweepInterval'],
  ['sweepInterval beyond what a timer can', { sweepInterval: '25d' }, 'sweepInterval'],
  ['rotateEvery', { rotateEvery: 'soon' }, 'rotateEvery'],
  ['tokenPrefix with a point', { tokenPrefix: 'a.b' }, 'tokenPrefix'],
  ['tokenPrefix of 33 characters', { tokenPrefix: 'x'.repeat(33) }, 'tokenPrefix'],
  ['maxDataBytes', { maxDataBytes: 0 }, 'maxDataBytes'],
  ['maxDataBytes as text', { maxDataBytes: '1kb' }, 'maxDataBytes'],
  ['onInvalidData', { onInvalidData: 'ignore' }, 'onInvalidData'],
  ['onStoreError', { onStoreError: 'open' }, 'onStoreError'],
  ['onReuse', { onReuse: 'ban' }, 'onReuse'],
  ['ownerOf', { ownerOf: 'userId' }, 'ownerOf'],
  ['now', { now: 0 }, 'now'],
  ['logger', { logger: { warn: () => {} } }, 'logger'],
  ['schema', { schema: {} }, 'schema'],
  ['schema of another kind', { schema: { '~standard': {} } }, 'schema'],
  ['store', { store: new Map() }, 'store'],
  ['store of null', { store: null }, 'store'],
  ['sources', { sources: [] }, 'sources'],
  ['a source that is none', { sources: ['bearer'] }, 'sources'],
  ['maxPerOwner without ownerOf', { maxPerOwner: { max: 3, onLimit: 'deny' } }, 'maxPerOwner'],
  ['maxPerOwner as a number', { ownerOf: () => 'a', maxPerOwner: 3 }, 'maxPerOwner'],
  ['maxPerOwner.max of 0', { ownerOf: () => 'a', maxPerOwner: { max: 0, onLimit: 'deny' } }, 'maxPerOwner.max'],
  [
    'maxPerOwner.max of NaN',
    { ownerOf: () => 'a', maxPerOwner: { max: Number.NaN, onLimit: 'deny' } },
    'maxPerOwner.max',
  ],
  ['maxPerOwner.onLimit', { ownerOf: () => 'a', maxPerOwner: { max: 1, onLimit: 'drop' } }, 'maxPerOwner.onLimit'],
];

describe('options', () => {
  test.each(wrong)('a wrong %s is refused by its name', (_name, options, named) => {
    const error = catchError(() => createSessions(options));
    expect(isSessionError(error) && error.code).toBe('INVALID_OPTION');
    expect(String(error)).toMatch(new RegExp(`^SessionError: (a value of )?${named} `));
  });

  test.each<[string, object | null]>([
    ['null', null],
    ['an object without methods', {}],
    ['without a scheme', { keyOf: () => undefined, read: async () => null, remove: async () => undefined }],
  ])('sessions of another library are refused when they are %s', (_name, legacy) => {
    // As a JavaScript caller may give them.
    const options: { legacy: undefined } = JSON.parse('{}');
    Object.assign(options, { legacy });
    const error = catchError(() => createSessions({ sources: [header('x-token', options)] }));
    expect(isSessionError(error) && error.code).toBe('INVALID_OPTION');
  });

  test.each<[string, () => unknown, RegExp]>([
    ['createSessions', () => createSessions(loose<object>(null)), /createSessions\(\{ store \}\)/],
    ['createSessions, as text', () => createSessions(loose<object>('memory')), /createSessions\(\{ store \}\)/],
    [
      'createSessions, as a store',
      () => createSessions(loose<object>(memoryStore())),
      /createSessions\(\{ store \}\)/,
    ],
    ['memoryStore', () => memoryStore(loose(1_000)), /memoryStore\(\)/],
    ['bearer', () => bearer(loose('Session-Token')), /bearer\(\)/],
    ['header', () => header('x-token', loose(null)), /header\(\)/],
    ['header({ respond })', () => header('x-token', loose({ respond: 'x-new-token' })), /respond/],
    ['cookie', () => cookie('sid', loose(null)), /cookie\(\)/],
    ['cookie({ secure })', () => cookie('sid', loose({ secure: 'false' })), /secure/],
    ['cookie({ persistent })', () => cookie('sid', loose({ persistent: 0 })), /persistent/],
    ['cookie({ csrf })', () => cookie('sid', loose({ csrf: true })), /csrf/],
    ['cookie({ csrf }), as a list', () => cookie('sid', loose({ csrf: ['https://app.example'] })), /csrf/],
    ['expressStore', () => expressStore(callbackStore, loose(null)), /expressStore\(/],
    ['expressStore({ callbackTimeout })', () => expressStore(callbackStore, { callbackTimeout: '60d' }), /24 days/],
    ['expressLegacy', () => expressLegacy(callbackStore, loose(null)), /expressLegacy\(/],
    ['expressLegacy({ secret })', () => expressLegacy(callbackStore, loose({ secret: undefined })), /Leave it out/],
    ['redisStore', () => redisStore(new Redis({ lazyConnect: true }), loose(null)), /redisStore\(/],
    ['postgresStore', () => postgresStore({ query: async () => [] }, loose('sessions')), /postgresStore\(/],
    [
      'postgresStore({ notify })',
      () => postgresStore({ query: async () => [] }, loose({ notify: 'false' })),
      /notify/,
    ],
    ['postgresStore({ prepare })', () => postgresStore({ query: async () => [] }, loose({ prepare: 0 })), /prepare/],
    ['createTablesSql', () => createTablesSql(loose('sessions')), /createTablesSql\(/],
    ['sqliteStore', () => sqliteStore(new Database(':memory:'), loose(null)), /sqliteStore\(/],
    ['sqliteStore({ busyTimeout })', () => sqliteStore(new Database(':memory:'), { busyTimeout: '60d' }), /24 days/],
    ['createTablesSql of SQLite', () => createSqliteTablesSql(loose('sessions')), /createTablesSql\(/],
  ])('wrong options of %s are refused at construction', (_name, construct, named) => {
    const error = catchError(construct);
    expect(isSessionError(error) && error.code).toBe('INVALID_OPTION');
    expect(String(error)).toMatch(named);
  });

  test('csrf without trusted origins has the default', () => {
    expect(() => cookie('sid', loose({ csrf: {} }))).not.toThrow();
    expect(() => cookie('sid', loose({ csrf: { trustedOrigins: undefined } }))).not.toThrow();
  });

  test('a wrong logger is refused in production too, where the default store warns', () => {
    const before = process.env['NODE_ENV'];
    try {
      process.env['NODE_ENV'] = 'production';
      expect(catchError(() => createSessions(loose<object>({ logger: {} })))).toMatchObject({
        code: 'INVALID_OPTION',
      });
    } finally {
      process.env['NODE_ENV'] = before;
    }
  });

  test('a logger that fails does not stop an application in production, where the default store warns', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    const warn = vi.fn(() => {
      throw new Error('the transport is closed');
    });
    const reject = vi.fn(async () => warn());
    try {
      createSessions({ logger: { warn, error: warn } });
      createSessions({ logger: { warn: reject, error: reject } });
      // An unhandled rejection would fail the run.
      await new Promise(setImmediate);
    } finally {
      vi.unstubAllEnvs();
    }
    expect([warn.mock.calls.length, reject.mock.calls.length]).toEqual([2, 1]);
  });

  test('rule 6: a logger that fails does not turn an outage into a crash', async () => {
    const failing = () => {
      throw new Error('the transport is closed');
    };
    for (const report of [failing, async () => failing()]) {
      const store = memoryStore();
      const sessions = createSessions({ store, logger: { warn: failing, error: report } });
      const { token } = await sessions.create({});
      store.find = () => Promise.reject(new Error('connection refused'));
      await expect(sessions.fromToken(token)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    }
  });

  test('the defaults are those of the reference', () => {
    const store = memoryStore();
    const { validator, ownerOf, maxPerOwner, logger, now, ...values } = normaliseOptions({ store });
    expect([validator, ownerOf, maxPerOwner, logger]).toEqual([undefined, undefined, undefined, undefined]);
    expect(Math.abs(now() - Date.now())).toBeLessThan(60_000);
    expect(values).toEqual({
      store,
      onInvalidData: 'reject',
      limits: { idle: 7 * 86_400_000, absolute: 30 * 86_400_000 },
      touchInterval: 600_000,
      rotationGrace: 10_000,
      onReuse: 'refuse',
      tokenPrefix: 'ts_',
      maxDataBytes: 65_536,
      storeTimeout: 2_000,
      onStoreError: 'reject',
      recheckInterval: 30_000,
      sweepInterval: 3_600_000,
      rotateEvery: Number.POSITIVE_INFINITY,
    });
  });

  test('false switches sweeping off, and a short idle limit shortens the interval of touches', () => {
    const store = memoryStore();
    expect(normaliseOptions({ store, sweepInterval: false }).sweepInterval).toBe(Number.POSITIVE_INFINITY);
    expect(normaliseOptions({ store, sweepInterval: 2 ** 31 - 1 }).sweepInterval).toBe(2 ** 31 - 1);
    expect(normaliseOptions({ store, idleTimeout: 1_009 }).touchInterval).toBe(100);
  });

  test('the memory store names wrong options', () => {
    expect(() => memoryStore({ maxSessions: 0 })).toThrowError(/maxSessions/);
    expect(() => memoryStore({ now: 5 as never })).toThrowError(/now/);
  });

  test('undefined means the default, and the caller’s object stays unchanged', async () => {
    const options = Object.freeze({
      idleTimeout: undefined,
      sources: Object.freeze([]) && undefined,
      tokenPrefix: undefined,
    });
    const session = await createSessions(options).create({});
    expect(session.expiresAt - session.createdAt).toBe(7 * 86_400_000);
    expect(session.token.startsWith('ts_')).toBe(true);
  });

  test('without both limits, a session has no deadline', async () => {
    const session = await createSessions({ idleTimeout: false, absoluteTimeout: false }).create({});
    expect(session.expiresAt).toBe(8.64e15);
    expect(new Date(session.expiresAt).getTime()).toBe(8.64e15);
  });

  test('accepts schemas that are functions', async () => {
    const { type } = await import('arktype');
    const sessions = createSessions({ schema: type({ userId: 'string' }) });
    await expect(sessions.create({ userId: 'ann' })).resolves.toMatchObject({ data: { userId: 'ann' } });
    await expect(sessions.create({ userId: 7 as never })).rejects.toMatchObject({ code: 'INVALID_DATA' });
  });

  test('the default memory store warns once in production, through the logger', () => {
    const before = process.env['NODE_ENV'];
    const warnings: string[] = [];
    const logger = { warn: (message: string) => void warnings.push(message), error: () => {} };
    try {
      process.env['NODE_ENV'] = 'production';
      createSessions({ logger });
      createSessions({ logger, store: memoryStore() });
    } finally {
      process.env['NODE_ENV'] = before;
    }
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/memoryStore/);
  });

  test('recognises errors across copies of the library', () => {
    class SessionErrorOfAnotherCopy extends Error {
      override readonly name = 'SessionError';
      readonly code = 'CONFLICT';
    }
    expect(isSessionError(new SessionError('CONFLICT', 'x'))).toBe(true);
    expect(isSessionError(new SessionErrorOfAnotherCopy())).toBe(true);
    expect(isSessionError(new Error('x'))).toBe(false);
    expect(isSessionError({ name: 'SessionError', code: 'CONFLICT' })).toBe(false);
  });

  test('accepts valid durations', async () => {
    const schema = z.object({});
    for (const [idleTimeout, ms] of [
      ['500ms', 500],
      ['90s', 90_000],
      ['30m', 1_800_000],
      ['12h', 43_200_000],
      [1_000, 1_000],
    ] as const) {
      const session = await createSessions({ schema, idleTimeout }).create({});
      expect(session.expiresAt - session.createdAt).toBe(ms);
    }
  });

  test('rule 7: a clock with fractions of a millisecond counts whole ones', async () => {
    const sessions = createSessions<{ user: string }>({ now: () => 1_900_000_000_000.75 });
    const { token, createdAt } = await sessions.create({ user: 'ada' });
    expect(createdAt).toBe(1_900_000_000_000);
    expect((await sessions.fromToken(token)).session?.data).toEqual({ user: 'ada' });
  });
});

/** A value as a caller in JavaScript may pass it. */
function loose<Value>(value: unknown): Value {
  return JSON.parse('[]').concat([value])[0];
}

const callbackStore = { get: () => undefined, set: () => undefined, destroy: () => undefined };

function catchError(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}
