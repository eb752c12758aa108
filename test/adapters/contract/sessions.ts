import { expect } from 'vitest';
import { type ContractTest, expectStatus } from './bench.js';

export const sessionTests: readonly ContractTest[] = [
  {
    title: 'invariant 8: an anonymous request costs no store call',
    run: async ({ store, call }) => {
      expect(await call('whoAmI')).toMatchObject({ outcome: 'ok', value: null });
      const refused = await call('theme');
      expect(refused.outcome).toBe('unauthenticated');
      expectStatus(refused, 401);
      expect(store.total()).toBe(0);
    },
  },
  {
    title: 'invariant 4: a login answers with a token that opens the session, and is not cached',
    run: async ({ store, call }) => {
      const login = await call('login', undefined, 'ann');
      expect(login.outcome).toBe('ok');
      if (login.headers) expect(login.headers.get('cache-control')).toBe('no-store');
      expect(store.calls).toEqual({ insert: 1, find: 0, replace: 0, delete: 0 });
      expect((await call('whoAmI', login.value ?? '')).value).toBe('ann');
    },
  },
  {
    title: 'a login ends the session that the caller had',
    run: async ({ call, login }) => {
      const first = await login();
      const second = await call('login', first, 'bob');
      expect((await call('whoAmI', first)).value).toBeNull();
      expect((await call('whoAmI', second.value ?? '')).value).toBe('bob');
    },
  },
  {
    title: 'invariant 8: a read is one store call',
    run: async ({ store, call, login }) => {
      const token = await login();
      expect(await call('theme', token)).toMatchObject({ outcome: 'ok', value: 'light' });
      expect(store.calls).toEqual({ insert: 0, find: 1, replace: 0, delete: 0 });
    },
  },
  {
    title: 'invariants 8 and 11: a successful change is saved, with one more store call',
    run: async ({ store, call, login }) => {
      const token = await login();
      expect((await call('setTheme', token, 'dark')).outcome).toBe('ok');
      expect(store.calls).toEqual({ insert: 0, find: 1, replace: 1, delete: 0 });
      expect((await call('theme', token)).value).toBe('dark');
    },
  },
  {
    title: 'invariant 8: a value that is set to its old value is not written',
    run: async ({ store, call, login }) => {
      const token = await login();
      await call('setTheme', token, 'light');
      expect(store.calls).toEqual({ insert: 0, find: 1, replace: 0, delete: 0 });
    },
  },
  {
    title: 'invariant 11: the changes of a failed operation are not saved',
    run: async ({ store, call, login }) => {
      const token = await login();
      expect((await call('setThemeAndFail', token, 'dark')).outcome).toBe('refused');
      expect(store.calls.replace).toBe(0);
      expect((await call('theme', token)).value).toBe('light');
    },
  },
];
