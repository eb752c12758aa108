import { type OpenedStore, storeContract } from 'token-sessions/testing';
import { NATIVE } from './capabilities.js';
import type { Check } from './check.js';

/** The published contract of stores, on an SQLite of the runtime. */
export function storeChecks(createStore: () => OpenedStore): Check[] {
  const checks: Check[] = [];
  const groups: string[] = [];
  const describe = (name: string, define: () => void): void => {
    groups.push(name);
    define();
    groups.pop();
  };
  const it = (name: string, run: () => Promise<void>): void => {
    checks.push({ suite: 'SQLite', title: [...groups, name].join(' · '), run });
  };
  storeContract({
    runner: { describe, it },
    capabilities: { ...NATIVE, expires: 'by sweep', sweep: true },
    depth: 'pairs',
    runs: 20,
    createStore,
  });
  return checks;
}
