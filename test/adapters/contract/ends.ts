import { expect } from 'vitest';
import type { ContractTest } from './bench.js';

export const endTests: readonly ContractTest[] = [
  {
    title: 'a rotated token works, and the old one works until the grace ends',
    run: async ({ clock, call, login }) => {
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
    },
  },
  {
    title: 'invariant 5: after a logout the token opens no session',
    run: async ({ store, call, login }) => {
      const token = await login();
      expect((await call('logout', token)).outcome).toBe('ok');
      expect(await store.count?.()).toBe(0);
      expect((await call('whoAmI', token)).value).toBeNull();
      expect((await call('theme', token)).outcome).toBe('unauthenticated');
    },
  },
  {
    title: 'invariant 2: a save that follows a logout does not revive the session',
    run: async ({ store, sessions, call, login }) => {
      const token = await login();
      store.before = async (verb, id) => {
        if (verb === 'replace') await sessions.destroy(id);
      };
      await call('setTheme', token, 'dark');
      expect(store.calls).toMatchObject({ insert: 0, replace: 1 });
      expect(await store.count?.()).toBe(0);
      expect((await call('theme', token)).outcome).toBe('unauthenticated');
    },
  },
  {
    title: 'invariant 7: a session ends exactly at its deadline, to the millisecond',
    run: async ({ clock, call, login }) => {
      const token = await login();
      clock.advance(7 * 86_400_000 - 1);
      expect((await call('whoAmI', token)).value).toBe('ann');
      clock.advance(7 * 86_400_000);
      expect((await call('whoAmI', token)).value).toBeNull();
    },
  },
];
