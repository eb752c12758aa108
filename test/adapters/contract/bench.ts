import type { StandardSchemaV1 } from '@standard-schema/spec';
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
  /** A schema for the data. By default, there is none. */
  readonly schema?: StandardSchemaV1<ContractData, ContractData>;
  run(bench: Bench): Promise<void>;
}

/** Without a logger, errors of the server itself go to the console. */
const SILENT = { warn: () => undefined, error: () => undefined };

export async function openBench(
  driver: Driver,
  { options, schema }: Pick<ContractTest, 'options' | 'schema'> = {},
): Promise<Bench> {
  const clock = testClock();
  const store = countingStore(memoryStore({ now: clock.now }));
  const ownerOf = (data: ContractData) => data.userId;
  const all = { store, now: clock.now, ownerOf, logger: SILENT, ...options };
  const sessions = schema ? createSessions({ ...all, schema }) : createSessions<ContractData>(all);
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
