import { expect } from 'vitest';
import { z } from 'zod';
import { createSessions } from '../../../src/index.js';
import { type ContractTest, expectStatus } from './bench.js';
import type { ContractData } from './operations.js';

const down = (): never => {
  throw new Error('connection refused by db.internal');
};

export const outageTests: readonly ContractTest[] = [
  {
    title: 'invariant 6: an outage is neither a logout nor anonymous',
    run: async ({ store, call, login }) => {
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
    },
  },
  {
    title: 'invariant 6: in an outage, anonymous requests continue, and logins fail as unavailable',
    run: async ({ store, call }) => {
      store.before = down;
      expect(await call('whoAmI')).toMatchObject({ outcome: 'ok', value: null });
      const login = await call('login', undefined, 'ann');
      expect(login.outcome).toBe('unavailable');
      expectStatus(login, 503);
    },
  },
  {
    title: 'invariants 6 and 11: an operation fails if its change cannot be saved',
    run: async ({ store, call, login }) => {
      const token = await login();
      store.before = (verb) => (verb === 'replace' ? down() : undefined);
      const answer = await call('setTheme', token, 'dark');
      expect(answer.outcome).toBe('unavailable');
      expectStatus(answer, 503);
      store.before = undefined;
      expect((await call('theme', token)).value).toBe('light');
    },
  },
  {
    title: 'invariant 6: an unreadable record is an error of the server, not a logout',
    run: async ({ store, call, login }) => {
      const token = await login();
      const id = token.slice('ts_'.length, 'ts_'.length + 36);
      const record = await store.find(id);
      if (record) await store.replace({ ...record, version: 'broken', body: '{' }, record.version, 60_000);
      for (const operation of ['whoAmI', 'theme'] as const) {
        const answer = await call(operation, token);
        expect(answer.outcome).toBe('internal');
        expectStatus(answer, 500);
      }
    },
  },
  {
    title: 'rule 6: a record that the schema refuses is an error of the server, not a logout',
    schema: z.object({ userId: z.string(), theme: z.string().regex(/^(?:light|dark)$/) }),
    run: async ({ store, clock, call }) => {
      const earlier = createSessions<ContractData>({ store, now: clock.now });
      const { token } = await earlier.create({ userId: 'ann', theme: 'green' });
      for (const operation of ['whoAmI', 'theme'] as const) {
        const answer = await call(operation, token);
        expect(answer.outcome).toBe('internal');
        expectStatus(answer, 500);
      }
      const login = await call('login', token, 'ann');
      expect(login.outcome).toBe('ok');
      expect((await earlier.fromToken(token)).session).toBeNull();
    },
  },
];
