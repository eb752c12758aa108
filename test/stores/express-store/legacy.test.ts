import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type CallbackStore, expressLegacy } from '../../../src/stores/express-store/index.js';
import { callbackStore } from '../../support/callback-store.js';

const KEY = 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7k';
const SECRET = 'keyboard cat';

/** An old store that calls back with this. */
function calling(back: (callback: (error?: unknown, session?: unknown) => void) => unknown): CallbackStore {
  return { get: (_sid, callback) => back(callback), set: () => expect.unreachable(), destroy: (_sid, c) => back(c) };
}

const holding = (stored: unknown) => expressLegacy(calling((callback) => callback(null, stored)));
const failing = (error: unknown) => expressLegacy(calling((callback) => callback(error)));

describe('an old session', () => {
  test('has the fields of the data, and no deadline without a cookie', async () => {
    expect(await holding({ userId: 'ann', views: 2 }).read(KEY)).toStrictEqual({ data: { userId: 'ann', views: 2 } });
  });

  test.each([[null], [false], [undefined]])('has no deadline if its cookie expires at %j', async (expires) => {
    expect(await holding({ userId: 'ann', cookie: { expires } }).read(KEY)).toStrictEqual({ data: { userId: 'ann' } });
  });

  test.each<[string, unknown]>([
    ['a text', '2030-01-01T00:00:00.000Z'],
    ['a date', new Date(Date.UTC(2030, 0, 1))],
  ])('ends when its cookie does: %s', async (_name, expires) => {
    const expiresAt = Date.UTC(2030, 0, 1);
    expect(await holding({ cookie: { expires } }).read(KEY)).toStrictEqual({ data: {}, expiresAt });
  });

  test.each([[undefined], [null], ['']])('is missing if the store calls back with %j', async (stored) => {
    expect(await holding(stored).read(KEY)).toBeNull();
  });

  test('is missing if the store has a record of this library', async () => {
    expect(await holding({ cookie: {}, __tokenSession: {} }).read(KEY)).toBeNull();
  });

  test('is missing, and counts as removed, if the store says ENOENT', async () => {
    const legacy = failing(Object.assign(new Error('no such file'), { code: 'ENOENT' }));
    expect(await legacy.read(KEY)).toBeNull();
    expect(await legacy.remove(KEY)).toBeUndefined();
  });

  test.each<[string, unknown]>([
    ['a text', 'text'],
    ['a list', [1]],
    ['bytes', Buffer.from('{}')],
    ['a cookie without a date', { cookie: { expires: 'tomorrow' } }],
    ['a cookie with a date that is none', { cookie: { expires: new Date(Number.NaN) } }],
    ['a cookie that expires at true', { cookie: { expires: true } }],
  ])('is INVALID_DATA if it is damaged: %s', async (_name, stored) => {
    await expect(holding(stored).read(KEY)).rejects.toMatchObject({ code: 'INVALID_DATA' });
  });

  test('is INVALID_DATA if the store cannot parse it', async () => {
    await expect(failing(new SyntaxError(KEY)).read(KEY)).rejects.toMatchObject({
      code: 'INVALID_DATA',
      message: expect.not.stringContaining(KEY),
    });
  });
});

test.each<[string, unknown, string]>([
  ['an error with a code', Object.assign(new TypeError(KEY), { code: 'EIO' }), 'TypeError EIO'],
  ['an error without one', new Error(KEY), 'Error'],
  ['an error whose code is the key', Object.assign(new Error('x'), { code: KEY }), 'Error'],
  ['an error whose code is a number', Object.assign(new Error('x'), { code: 7 }), 'Error'],
  ['an object', { code: 'EIO', path: KEY }, 'object EIO'],
  ['a text', KEY, 'string'],
])('invariant 4: the error of an old store does not show the key: %s', async (_name, error, description) => {
  await expect(failing(error).read(KEY)).rejects.toMatchObject({
    message: `the old session store failed: ${description}`,
  });
});

describe('the key of an old token', () => {
  const sign = (sid: string) => `s:${sid}.${createHmac('sha256', SECRET).update(sid).digest('base64').slice(0, -1)}`;
  const bare = expressLegacy(callbackStore());
  const signed = expressLegacy(callbackStore(), { secret: SECRET });

  test('is the token itself without a secret, and the signed id with one', () => {
    expect([bare.scheme, bare.keyOf(KEY)]).toEqual(['plain', KEY]);
    expect([signed.scheme, signed.keyOf(sign(KEY)), signed.keyOf(KEY)]).toEqual(['signed', KEY, undefined]);
  });

  test('needs the mark of a signed cookie: express-session has another for values in JSON', () => {
    expect(signed.keyOf(sign(KEY).replace('s:', 'j:'))).toBeUndefined();
  });

  test('is read from a cookie as long as browsers keep, and from no longer one', () => {
    const longest = 4_096 - sign('').length;
    expect(signed.keyOf(sign('x'.repeat(longest)))).toBe('x'.repeat(longest));
    expect(signed.keyOf(sign('x'.repeat(longest + 1)))).toBeUndefined();
  });

  test('has one character at least, and 256 at most without a secret', () => {
    expect([signed.keyOf(sign('x')), signed.keyOf(sign(''))]).toEqual(['x', undefined]);
    const [longest, longer] = [256, 257].map((length) => bare.keyOf('x'.repeat(length)));
    expect([longest, longer, bare.keyOf('x'), bare.keyOf('')]).toEqual(['x'.repeat(256), undefined, 'x', undefined]);
  });
});

test.each<[string, () => unknown, RegExp]>([
  ['a store without methods', () => expressLegacy(Object.create(null)), /^expressLegacy\(store\) requires/],
  [
    'options that are none',
    // @ts-expect-error The compiler refuses it as well.
    () => expressLegacy(callbackStore(), SECRET),
    /^the options of expressLegacy\(store, options\) must be an object/,
  ],
  ['a timeout that is none', () => expressLegacy(callbackStore(), { callbackTimeout: 0 }), /^callbackTimeout /],
  ['an empty secret among others', () => expressLegacy(callbackStore(), { secret: ['a', ''] }), /^secret must be/],
  [
    'a secret that an environment lacks',
    // @ts-expect-error The compiler refuses it as well.
    () => expressLegacy(callbackStore(), { secret: undefined }),
    /^secret must be/,
  ],
])('the wrong argument is named: %s', (_name, make, message) => {
  expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(message) }));
});
