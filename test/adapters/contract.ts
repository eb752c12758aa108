import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSessions, memoryStore, type RequestSessions, type Session, type SessionContext, type Sessions } from '../../src/index.js';
import { type Clock, testClock } from '../support/clock.js';
import { type CountingStore, countingStore } from '../support/counting-store.js';

/*
 * What every adapter has to do, whatever its host. A host is brought in by a driver, which serves the operations below with real
 * servers and calls them with real clients.
 */

export interface ContractData {
  userId: string;
  theme: string;
}

export type ContractContext = SessionContext<ContractData>;
type Own = { readonly session: Session<ContractData>; readonly sessions: RequestSessions<ContractData> };

/** The operations that anybody may call, and the argument that they are given. */
export const publicOperations = {
  /** The account, or `null` when anonymous. */
  whoAmI: async ({ session }: ContractContext, _value: string): Promise<string | null> => session?.data.userId ?? null,
  /** Logs the account `value` in and answers the token. */
  login: async ({ sessions }: ContractContext, value: string): Promise<string | null> =>
    (await sessions.create({ userId: value, theme: 'light' })).token,
};

/** The operations behind `requireSession`. */
export const protectedOperations = {
  theme: async ({ session }: Own, _value: string): Promise<string | null> => session.data.theme,
  /** Leaves the saving to the adapter. */
  setTheme: async ({ session }: Own, value: string): Promise<string | null> => {
    session.data.theme = value;
    return value;
  },
  /** Changes the draft, and then throws {@link REFUSAL}, which the driver makes an error of its host with this message. */
  setThemeAndFail: async ({ session }: Own, value: string): Promise<string | null> => {
    session.data.theme = value;
    throw new Refusal();
  },
  /** Answers the new token. */
  rotate: async ({ session }: Own, _value: string): Promise<string | null> => session.rotate(),
  logout: async ({ session }: Own, _value: string): Promise<string | null> => {
    await session.destroy();
    return null;
  },
};

/** An error of the application itself. */
export class Refusal extends Error {
  constructor() {
    super('refused by the application');
  }
}

export type PublicOperation = keyof typeof publicOperations;
export type ProtectedOperation = keyof typeof protectedOperations;
export type Operation = PublicOperation | ProtectedOperation;

/** What the client was told. */
export interface Answer {
  readonly outcome:
    | 'ok'
    /** No session where one is required. */
    | 'unauthenticated'
    | 'unavailable'
    /** The host's name for an error inside the server. */
    | 'internal'
    /** Any other error, such as the application's own. */
    | 'refused';
  /** Of an operation that went well. */
  readonly value: string | null;
  /** The HTTP status; absent where the transport has none for each operation. */
  readonly status?: number | undefined;
  readonly headers?: Headers | undefined;
  /** All that the client received, as text: nothing of a token that was sent may be in it. */
  readonly text: string;
}

export interface Host {
  /** Calls one operation, with its argument (`''` where it has none) and as it would be sent by a client with these headers. */
  call(operation: Operation, value: string, headers: Readonly<Record<string, string>>): Promise<Answer>;
  stop(): Promise<void>;
}

export interface Driver {
  readonly name: string;
  /** Serves the operations on a new server. */
  start(sessions: Sessions<ContractData>): Promise<Host>;
}

interface Bench {
  readonly store: CountingStore;
  readonly clock: Clock;
  readonly sessions: Sessions<ContractData>;
  readonly host: Host;
  /** An operation with `Authorization: Bearer token`, or without credentials. */
  call(operation: Operation, token?: string, value?: string): Promise<Answer>;
  login(): Promise<string>;
}

async function openBench(driver: Driver): Promise<Bench> {
  const clock = testClock();
  const store = countingStore(memoryStore({ now: clock.now }));
  const sessions = createSessions<ContractData>({ store, now: clock.now, ownerOf: (data) => data.userId });
  const host = await driver.start(sessions);
  const call: Bench['call'] = (operation, token, value = '') =>
    host.call(operation, value, token === undefined ? {} : { authorization: `Bearer ${token}` });
  const login = async (): Promise<string> => {
    const { value } = await call('login', undefined, 'ann');
    store.reset();
    return value ?? '';
  };
  return { store, clock, sessions, host, call, login };
}

/** Runs the contract over a host. */
export function adapterContract(driver: Driver): void {
  describe(`adapter contract: ${driver.name}`, () => {
    let bench: Bench;
    beforeEach(async () => {
      bench = await openBench(driver);
    });
    afterEach(async () => {
      await bench.host.stop();
      await bench.sessions.close();
    });
    sessionTests(() => bench);
    endTests(() => bench);
    outageTests(() => bench);
    badTokenTests(() => bench);
  });
}

function expectStatus(answer: Answer, status: number): void {
  if (answer.status !== undefined) expect(answer.status).toBe(status);
}

function sessionTests(bench: () => Bench): void {
  test('invariant 8: an anonymous request costs no store call', async () => {
    const { store, call } = bench();
    expect(await call('whoAmI')).toMatchObject({ outcome: 'ok', value: null });
    const refused = await call('theme');
    expect(refused.outcome).toBe('unauthenticated');
    expectStatus(refused, 401);
    expect(store.total()).toBe(0);
  });

  test('invariant 4: a login answers a token that opens the session, and is not cached', async () => {
    const { store, call } = bench();
    const login = await call('login', undefined, 'ann');
    expect(login.outcome).toBe('ok');
    if (login.headers) expect(login.headers.get('cache-control')).toBe('no-store');
    expect(store.calls).toEqual({ insert: 1, find: 0, replace: 0, delete: 0 });
    expect((await call('whoAmI', login.value ?? '')).value).toBe('ann');
  });

  test('a login of somebody who has a session ends that one', async () => {
    const { call, login } = bench();
    const first = await login();
    const second = await call('login', first, 'bob');
    expect((await call('whoAmI', first)).value).toBeNull();
    expect((await call('whoAmI', second.value ?? '')).value).toBe('bob');
  });

  test('invariant 8: a read is one store call', async () => {
    const { store, call, login } = bench();
    const token = await login();
    expect(await call('theme', token)).toMatchObject({ outcome: 'ok', value: 'light' });
    expect(store.calls).toEqual({ insert: 0, find: 1, replace: 0, delete: 0 });
  });

  test('invariants 8 and 11: what succeeds is saved, by one more store call', async () => {
    const { store, call, login } = bench();
    const token = await login();
    expect((await call('setTheme', token, 'dark')).outcome).toBe('ok');
    expect(store.calls).toEqual({ insert: 0, find: 1, replace: 1, delete: 0 });
    expect((await call('theme', token)).value).toBe('dark');
  });

  test('invariant 8: a value that is set to what it was is not written', async () => {
    const { store, call, login } = bench();
    const token = await login();
    await call('setTheme', token, 'light');
    expect(store.calls).toEqual({ insert: 0, find: 1, replace: 0, delete: 0 });
  });

  test('invariant 11: what a failed operation changed is not saved', async () => {
    const { store, call, login } = bench();
    const token = await login();
    expect((await call('setThemeAndFail', token, 'dark')).outcome).toBe('refused');
    expect(store.calls.replace).toBe(0);
    expect((await call('theme', token)).value).toBe('light');
  });
}

function endTests(bench: () => Bench): void {
  test('a rotated token works, and so does the old one until the grace has passed', async () => {
    const { clock, call, login } = bench();
    const old = await login();
    const rotated = await call('rotate', old);
    if (rotated.headers) expect(rotated.headers.get('cache-control')).toBe('no-store');
    const token = rotated.value ?? '';
    expect((await call('whoAmI', old)).value).toBe('ann');
    expect((await call('whoAmI', token)).value).toBe('ann');
    expect((await call('whoAmI', old)).value).toBe('ann');
    clock.advance(10_000);
    expect((await call('theme', old)).outcome).toBe('unauthenticated');
    expect((await call('theme', token)).outcome).toBe('ok');
  });

  test('invariant 5: after a logout the token opens nothing', async () => {
    const { store, call, login } = bench();
    const token = await login();
    expect((await call('logout', token)).outcome).toBe('ok');
    expect(await store.count?.()).toBe(0);
    expect((await call('whoAmI', token)).value).toBeNull();
    expect((await call('theme', token)).outcome).toBe('unauthenticated');
  });

  test('invariant 2: a save that a logout overtakes revives nothing', async () => {
    const { store, sessions, call, login } = bench();
    const token = await login();
    store.before = async (verb, id) => {
      if (verb === 'replace') await sessions.destroy(id);
    };
    await call('setTheme', token, 'dark');
    expect(store.calls).toMatchObject({ insert: 0, replace: 1 });
    expect(await store.count?.()).toBe(0);
    expect((await call('theme', token)).outcome).toBe('unauthenticated');
  });

  test('invariant 7: a session ends at its deadline, to the millisecond', async () => {
    const { clock, call, login } = bench();
    const token = await login();
    clock.advance(7 * 86_400_000 - 1);
    expect((await call('whoAmI', token)).value).toBe('ann');
    clock.advance(7 * 86_400_000);
    expect((await call('whoAmI', token)).value).toBeNull();
  });
}

function outageTests(bench: () => Bench): void {
  const down = (): never => {
    throw new Error('connection refused by db.internal');
  };

  test('invariant 6: an outage is neither a logout nor anonymous', async () => {
    const { store, call, login } = bench();
    const token = await login();
    store.before = down;
    for (const operation of ['whoAmI', 'theme'] as const) {
      const answer = await call(operation, token);
      expect(answer.outcome).toBe('unavailable');
      expectStatus(answer, 503);
      expect(answer.text).not.toContain('db.internal');
    }
    store.before = undefined;
    expect((await call('whoAmI', token)).value).toBe('ann');
  });

  test('invariant 6: in an outage anonymous requests go on, and logins fail as unavailable', async () => {
    const { store, call } = bench();
    store.before = down;
    expect(await call('whoAmI')).toMatchObject({ outcome: 'ok', value: null });
    const login = await call('login', undefined, 'ann');
    expect(login.outcome).toBe('unavailable');
    expectStatus(login, 503);
  });

  test('invariants 6 and 11: an operation whose change cannot be saved has not succeeded', async () => {
    const { store, call, login } = bench();
    const token = await login();
    store.before = (verb) => (verb === 'replace' ? down() : undefined);
    const answer = await call('setTheme', token, 'dark');
    expect(answer.outcome).toBe('unavailable');
    expectStatus(answer, 503);
    store.before = undefined;
    expect((await call('theme', token)).value).toBe('light');
  });

  test('invariant 6: a record that cannot be read is an error of the server, not a logout', async () => {
    const { store, call, login } = bench();
    const token = await login();
    const id = token.slice('ts_'.length, 'ts_'.length + 36);
    const record = await store.find(id);
    if (record) await store.replace({ ...record, version: 'broken', body: '{' }, record.version, 60_000);
    for (const operation of ['whoAmI', 'theme'] as const) {
      const answer = await call(operation, token);
      expect(answer.outcome).toBe('internal');
      expectStatus(answer, 500);
    }
  });
}

function badTokenTests(bench: () => Bench): void {
  const id = '019a0000-0000-7000-8000-000000000000';
  const secret = `${'x'.repeat(42)}A`;
  const malformed: readonly (readonly [string, string])[] = [
    ['an empty token', 'Bearer '],
    ['no scheme', `ts_${id}.${secret}`],
    ['another scheme', `Basic ts_${id}.${secret}`],
    ['the wrong prefix', `xx_${id}.${secret}`],
    ['a secret too short', `Bearer ts_${id}.${secret.slice(1)}`],
    ['a secret with another spelling', `Bearer ts_${id}.${'x'.repeat(43)}`],
    ['something after the token', `Bearer ts_${id}.${secret}zzzz`],
    ['two tokens in one header', `Bearer ts_${id}.${secret}, Bearer ts_${id}.${secret}`],
    ['what is not ASCII', `Bearer ts_${id}.${'é'.repeat(43)}`],
    ['a long token', `Bearer ts_${'y'.repeat(8_000)}`],
  ];

  test.each(malformed)('invariants 1 and 8: %s is anonymous, without a store call, and not echoed', async (_, authorization) => {
    const { store, host } = bench();
    expect(await host.call('whoAmI', '', { authorization })).toMatchObject({ outcome: 'ok', value: null });
    const refused = await host.call('theme', '', { authorization });
    expect(refused.outcome).toBe('unauthenticated');
    expect(refused.text).not.toContain('xxxx');
    expect(refused.text).not.toContain('yyyy');
    expect(store.total()).toBe(0);
  });

  test('invariant 1: a well-formed token that is unknown, or has the wrong secret, creates nothing', async () => {
    const { store, call, login } = bench();
    const token = await login();
    const wrongSecret = `${token.slice(0, -43)}${secret}`;
    for (const each of [wrongSecret, `ts_${id}.${secret}`]) {
      expect((await call('whoAmI', each)).value).toBeNull();
      const refused = await call('theme', each);
      expect(refused.outcome).toBe('unauthenticated');
      expectStatus(refused, 401);
      expect(refused.text).not.toContain(secret);
    }
    expect(store.calls).toEqual({ insert: 0, find: 4, replace: 0, delete: 0 });
    expect(await store.count?.()).toBe(1);
    expect((await call('whoAmI', token)).value).toBe('ann');
  });

  test('the name of the scheme is read in any case', async () => {
    const { host, login } = bench();
    const token = await login();
    expect((await host.call('whoAmI', '', { authorization: `bEARER ${token}` })).value).toBe('ann');
  });
}
