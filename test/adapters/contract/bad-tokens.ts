import { expect } from 'vitest';
import { type ContractTest, expectStatus } from './bench.js';

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
  ['text that is not ASCII', `Bearer ts_${id}.${'é'.repeat(43)}`],
  ['a long token', `Bearer ts_${'y'.repeat(8_000)}`],
];

export const badTokenTests: readonly ContractTest[] = [
  ...malformed.map(
    ([what, authorization]): ContractTest => ({
      title: `invariants 1 and 8: ${what} is anonymous, without a store call, and is not echoed`,
      run: async ({ store, host }) => {
        expect(await host.call('whoAmI', '', { authorization })).toMatchObject({ outcome: 'ok', value: null });
        const refused = await host.call('theme', '', { authorization });
        expect(refused.outcome).toBe('unauthenticated');
        expect(refused.text).not.toContain('xxxx');
        expect(refused.text).not.toContain('yyyy');
        expect(store.total()).toBe(0);
      },
    }),
  ),
  {
    title: 'invariant 1: a well-formed token that is unknown, or has the wrong secret, creates nothing',
    run: async ({ store, call, login }) => {
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
    },
  },
  {
    title: 'the name of the scheme is read in any case',
    run: async ({ host, login }) => {
      const token = await login();
      expect((await host.call('whoAmI', '', { authorization: `bEARER ${token}` })).value).toBe('ann');
    },
  },
];
