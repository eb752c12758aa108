import { describe, expect, test } from 'vitest';
import { cookie } from '../../../src/index.js';
import { expressLegacy } from '../../../src/stores/express-store/index.js';
import { callbackStore } from '../../support/callback-store.js';
import { GRACE, MINUTE, openBench } from './support/bench.js';
import { HOSTS } from './support/hosts.js';

const POST = { method: 'POST' };

describe.each(HOSTS)('the answer to a rotation (%s)', (_name, start) => {
  test.each([GRACE, GRACE + 1])(
    'rule 21: the new token is written only if the head is sent within the grace: after %i ms',
    async (after) => {
      const { clock, token, request } = await openBench(start, {
        work: async ({ session }) => {
          await session?.rotate();
          clock.advance(after);
        },
      });
      const { status, set } = await request(token, POST);
      expect([status, set !== undefined]).toEqual([200, after <= GRACE]);
    },
  );

  test('rule 22: the token of an immediate rotation is written however late, because no other answer carries it', async () => {
    const { clock, token, request } = await openBench(start, {
      work: async ({ session }) => {
        await session?.rotate({ immediate: true });
        clock.advance(GRACE + 1);
      },
    });
    expect(await request(token, POST)).toMatchObject({ status: 200, token: expect.stringMatching(/^ts_/) });
  });

  test('rule 21: concurrent requests that rotate with one cookie all get the same token', async () => {
    const { token, request } = await openBench(start, { work: ({ session }) => session?.rotate() });
    const answers = await Promise.all(Array.from({ length: 6 }, () => request(token, POST)));
    expect(new Set(answers.map((answer) => answer.token)).size).toBe(1);
    expect(await request(answers[0]?.token ?? '')).toMatchObject({ user: 'ann', status: 200 });
  });

  test('rule 22: a rotation with a replaced token is answered with 409 and no cookie', async () => {
    let rotates = true;
    const { token, request } = await openBench(start, {
      work: ({ session }) => (rotates ? session?.rotate() : undefined),
    });
    const { token: next = '' } = await request(token, POST);
    rotates = false;
    await request(next);
    rotates = true;
    expect(await request(token, POST)).toMatchObject({ status: 409, set: undefined });
  });

  test('rule 23: the refusal of a replaced token deletes no cookie, because the browser may hold the new one', async () => {
    let rotates = true;
    const { clock, token, request, events } = await openBench(start, {
      work: ({ session }) => (rotates ? session?.rotate() : undefined),
    });
    const { token: next = '' } = await request(token, POST);
    rotates = false;
    await request(next);
    for (const wait of [GRACE, MINUTE]) {
      clock.advance(wait);
      expect(await request(token)).toMatchObject({ user: null, set: undefined });
    }
    expect(events).toEqual(['rotated pending', 'reuse-detected']);
  });

  test('rule 21: the late token of a moved session is not written either, so that it overwrites no newer one', async () => {
    const old = callbackStore();
    const sources = [cookie('sid', { secure: false, legacy: expressLegacy(old) })];
    let wait = GRACE + 1;
    const { clock, request } = await openBench(start, { options: { sources }, work: () => clock.advance(wait) });
    old.sessions.set('old-session-token', JSON.stringify({ userId: 'ann' }));
    expect(await request('old-session-token')).toMatchObject({ user: 'ann', set: undefined });
    wait = 0;
    expect(await request('old-session-token')).toMatchObject({ user: 'ann', token: expect.stringMatching(/^ts_/) });
  });
});
