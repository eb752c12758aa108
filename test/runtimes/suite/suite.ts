import { memoryStore } from 'token-sessions';
import type { OpenedStore } from 'token-sessions/testing';
import type { Check } from './check.js';
import { coreChecks } from './core-checks.js';
import { honoChecks } from './hono-checks.js';
import { storeChecks } from './store-checks.js';
import { trpcChecks } from './trpc-checks.js';
import { yogaChecks } from './yoga-checks.js';

/** All checks. Those of hosts, and of SQLite, run on the runtime's own SQLite. */
export function suiteOn(openSqlite: () => OpenedStore): Check[] {
  const open = () => openSqlite().store;
  return [
    ...coreChecks('core', () => memoryStore()),
    ...trpcChecks(open),
    ...yogaChecks(open),
    ...honoChecks(open),
    ...coreChecks('SQLite', open),
    ...storeChecks(openSqlite),
  ];
}
