import { randomUUID } from 'node:crypto';
import { onTestFinished, vi } from 'vitest';
import {
  createSessionClient,
  type SessionChange,
  type SessionClient,
  type SessionClientOptions,
  type TokenStorage,
} from '../../../src/client/index.js';

export const ORIGIN = 'https://app.example';

/** A browser's storage, whose text is public. */
export class FakeStorage implements TokenStorage {
  readonly items = new Map<string, string>();
  /** The error that each call throws from now on. */
  failure: Error | undefined;

  getItem(key: string): string | null {
    if (this.failure) throw this.failure;
    return this.items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    if (this.failure) throw this.failure;
    this.items.set(key, value);
  }

  removeItem(key: string): void {
    if (this.failure) throw this.failure;
    this.items.delete(key);
  }
}

export interface FakeBrowser {
  readonly local: FakeStorage;
  readonly session: FakeStorage;
  /** The warnings so far. */
  readonly warnings: string[];
  /** The key of this test's clients. Clients with other keys do not hear them. */
  readonly key: string;
  /** Another tab. */
  open(options?: SessionClientOptions): SessionClient;
  /** Calls the listeners of the page. */
  dispatch(type: 'storage' | 'pageshow'): void;
}

/**
 * Gives this process the globals of a browser until the end of the test. All clients share them,
 * as tabs do.
 */
export function fakeBrowser(globals: Readonly<Record<string, unknown>> = {}): FakeBrowser {
  const local = new FakeStorage();
  const session = new FakeStorage();
  const listeners = new Map<string, Set<() => void>>();
  const all = {
    localStorage: local,
    sessionStorage: session,
    location: { origin: ORIGIN, href: `${ORIGIN}/page` },
    addEventListener: (type: string, listener: () => void) =>
      listeners.set(type, (listeners.get(type) ?? new Set()).add(listener)),
    ...globals,
  };
  for (const [name, value] of Object.entries(all)) vi.stubGlobal(name, value);
  const warnings: string[] = [];
  const warn = vi.spyOn(console, 'warn').mockImplementation((...words) => void warnings.push(words.join(' ')));
  onTestFinished(() => {
    vi.unstubAllGlobals();
    warn.mockRestore();
  });
  const key = `test-${randomUUID()}`;
  return {
    local,
    session,
    warnings,
    key,
    open: (options = {}) => createSessionClient({ key, ...options }),
    dispatch: (type) => {
      for (const listener of listeners.get(type) ?? []) listener();
    },
  };
}

/** The changes that a client reports from now on. */
export function changesOf(client: SessionClient): SessionChange[] {
  const changes: SessionChange[] = [];
  client.subscribe((change) => changes.push(change));
  return changes;
}
