import { expect } from 'vitest';
import { createSessions, memoryStore, type Sessions, type SessionsOptions } from '../../../src/index.js';
import { type Clock, testClock } from '../../support/clock.js';
import { type CountingStore, countingStore } from '../../support/counting-store.js';
import type { Answer, ContractData, Driver, Host, Operation } from './operations.js';

/** A host under test. */
export interface Bench {
  readonly store: CountingStore;
  readonly clock: Clock;
  readonly sessions: Sessions<ContractData>;
  readonly host: Host;
  /** An operation with `Authorization: Bearer token`, or without credentials. */
  call(operation: Operation, token?: string, value?: string): Promise<Answer>;
  login(): Promise<string>;
  close(): Promise<void>;
}

/** A test of the contract, as data: it also runs over hosts with planted faults. */
export interface ContractTest {
  readonly title: string;
  readonly options?: SessionsOptions<ContractData>;
  run(bench: Bench): Promise<void>;
}

export async function openBench(driver: Driver, options: SessionsOptions<ContractData> = {}): Promise<Bench> {
  const clock = testClock();
  const store = countingStore(memoryStore({ now: clock.now }));
  const sessions = createSessions<ContractData>({ store, now: clock.now, ownerOf: (data) => data.userId, ...options });
  const host = await driver.start(sessions);
  const call: Bench['call'] = (operation, token, value = '') =>
    host.call(operation, value, token === undefined ? {} : { authorization: `Bearer ${token}` });
  const login = async (): Promise<string> => {
    const { token } = await sessions.create({ userId: 'ann', theme: 'light' });
    store.reset();
    return token;
  };
  const close = async (): Promise<void> => {
    await host.stop();
    await sessions.close();
  };
  return { store, clock, sessions, host, call, login, close };
}

export function expectStatus(answer: Answer, status: number): void {
  if (answer.status !== undefined) expect(answer.status).toBe(status);
}
