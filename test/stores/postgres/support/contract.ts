import { type PostgresClient, type PostgresStore, postgresStore } from '../../../../src/stores/postgres/index.js';
import {
  type OpenedStore,
  type StoreCapabilities,
  storeContract,
  type TestRunner,
} from '../../../../src/testing/index.js';
import { NATIVE } from '../../../runtimes/suite/capabilities.js';
import { RUNS } from '../../../support/size.js';

const capabilities: StoreCapabilities = {
  ...NATIVE,
  expires: 'by sweep',
  sweep: true,
  subscribe: true,
  damages: true,
};

/**
 * Runs the store contract on `connect`, which opens once for all tests. Each test finds the table
 * empty.
 */
export function contractOn(name: string, connect: () => Promise<PostgresClient[]>, runner: TestRunner): void {
  let opened: Promise<PostgresStore[]> | undefined;
  let client: PostgresClient | undefined;
  const open = async (): Promise<PostgresStore[]> => {
    const clients = await connect();
    const stores = clients.map((each) => postgresStore(each));
    await stores[0]?.createTables();
    client = clients.at(-1);
    return stores;
  };
  /** A deadline that is not a valid time. */
  const damage = async (id: string) =>
    client?.query(`UPDATE token_sessions SET expires_at = 9223372036854775807 WHERE id = '${id}'`);
  const createStore = async (): Promise<OpenedStore> => {
    opened ??= open();
    const [store, other] = await opened;
    if (!store) throw new Error('connect opens at least one');
    await store.clear();
    return { store, other, damage };
  };
  storeContract({ runner, name, capabilities, createStore, depth: 'pairs', runs: RUNS });
}
