import express from 'express';
import { describe, expect, test } from 'vitest';
import { expressSessions } from '../../../src/adapters/express/index.js';
import { bearer, cookie, createSessions, header, type SessionStore } from '../../../src/index.js';
import { testClock } from '../../support/clock.js';
import { listenInTest } from '../../support/http.js';
import { GRACE, HOUR, MINUTE, openBench } from './support/bench.js';
import { CONTEXT_HOST, type Data, HEAD_HOSTS, HOSTS } from './support/hosts.js';

const DAILY = { rotateEvery: '1d' } as const;
const DAY = 24 * HOUR;

describe.each([...HOSTS, CONTEXT_HOST])('rotateEvery (%s)', (_name, start) => {
  test('rule 21: a token that is old enough is rotated once at its use, and the answer carries the new one', async () => {
    const { clock, token, request, events } = await openBench(start, { options: DAILY });
    clock.advance(DAY - 1);
    expect(await request(token)).toMatchObject({ user: 'ann', status: 200, token: undefined });
    clock.advance(1);
    const first = await request(token);
    expect(first).toMatchObject({ user: 'ann', status: 200, token: expect.stringMatching(/^ts_/) });
    expect(first.response.headers.get('cache-control')).toContain('no-store');
    expect(await request(first.token ?? '')).toMatchObject({ user: 'ann', token: undefined });
    expect(events).toEqual(['rotated pending']);
  });

  test('rule 21: concurrent tabs with the old token, and one whose answer was lost, get the same new token', async () => {
    const { clock, token, request, events } = await openBench(start, { options: DAILY });
    clock.advance(DAY);
    const lost = await request(token);
    clock.advance(HOUR);
    const answers = await Promise.all(Array.from({ length: 5 }, () => request(token)));
    expect(new Set([lost, ...answers].map((answer) => answer.token)).size).toBe(1);
    expect(events).toEqual(['rotated pending']);
  });

  test('rule 21: a token is not rotated while its predecessor may be in its grace on some server', async () => {
    const { clock, token, request } = await openBench(start, { options: { rotateEvery: '30s' } });
    clock.advance(30_000);
    const { token: next = '' } = await request(token);
    await request(next);
    clock.advance(GRACE + MINUTE - 1);
    expect(await request(next)).toMatchObject({ user: 'ann', token: undefined });
    clock.advance(1);
    expect(await request(next)).toMatchObject({ user: 'ann', token: expect.stringMatching(/^ts_/) });
  });

  test('rule 21: a token in its grace is not rotated', async () => {
    const { clock, token, request } = await openBench(start, { options: DAILY });
    clock.advance(DAY);
    const { token: next = '' } = await request(token);
    await request(next);
    expect(await request(token)).toMatchObject({ user: 'ann', token: undefined });
  });

  test('rule 21: a token is not rotated if its source does not write', async () => {
    const sources = [bearer(), header('x-token'), cookie('sid', { secure: false })];
    const { clock, token, request, events } = await openBench(start, { options: { ...DAILY, sources } });
    clock.advance(DAY);
    for (const headers of [{ authorization: `Bearer ${token}` }, { 'x-token': token }]) {
      expect(await request('none', { headers })).toMatchObject({ user: 'ann', set: undefined });
    }
    expect(events).toEqual([]);
  });

  test("rule 21: a request from another site's page does not rotate", async () => {
    const { clock, token, request, events } = await openBench(start, { options: DAILY });
    clock.advance(DAY);
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
    ]) {
      expect(await request(token, { headers })).toMatchObject({ user: 'ann', status: 200, set: undefined });
    }
    expect(events).toEqual([]);
  });
});

// All hosts together: a write that meets others is tried again for a while.
test.each(['an outage', 'a conflict'])(
  'rule 21: %s during the write of the rotation fails no request, on any host',
  async (fault) => {
    const wrap = (store: SessionStore): SessionStore => ({
      ...store,
      replace: async () => {
        if (fault === 'an outage') throw new Error('ECONNREFUSED');
        return 'conflict';
      },
    });
    const answers = [...HOSTS, CONTEXT_HOST].map(async ([name, start]) => {
      const { clock, token, request } = await openBench(start, { options: { ...DAILY, touchInterval: '6d' }, wrap });
      clock.advance(DAY);
      const { user, status, set } = await request(token);
      return [name, user, status, set];
    });
    expect(await Promise.all(answers)).toEqual(
      [...HOSTS, CONTEXT_HOST].map(([name]) => [name, 'ann', 200, undefined]),
    );
  },
);

test('rule 21: a token that came by no source is not rotated by its age, so that a step-up is not refused', async () => {
  const clock = testClock();
  const sessions = createSessions({ sources: [cookie()], now: clock.now, ...DAILY });
  const { token } = await sessions.create({ userId: 'ann' });
  clock.advance(DAY);
  const { session, sessions: own } = await sessions.fromToken(token);
  expect(own.responseHeaders.getSetCookie()).toEqual([]);
  const renewed = await session?.rotate({ reauthenticated: true });
  expect(own.responseHeaders.getSetCookie().join()).toContain(renewed);
});

describe.each(HOSTS)("rotateEvery and the application's own operations (%s)", (_name, start) => {
  test('rule 22: a rotation that renews authenticatedAt wins, and its token is written', async () => {
    let made: string | undefined;
    const work: Parameters<typeof openBench>[1] = {
      options: DAILY,
      work: async ({ session }) => {
        if (!made) made = await session?.rotate({ reauthenticated: true });
        return session?.authenticatedAt;
      },
    };
    const { clock, token, request, events } = await openBench(start, work);
    clock.advance(DAY);
    expect(await request(token, { method: 'POST' })).toMatchObject({ status: 200, token: made });
    expect(events).toEqual(['rotated pending']);
    const { body } = await request(made ?? '');
    expect(body).toContain(String(clock.now()));
  });

  test('rule 24: after a login the answer carries the token of the new session', async () => {
    const { clock, token, request, sessions, events } = await openBench(start, {
      options: DAILY,
      work: async ({ sessions: own }) => (await own.create({ userId: 'bob' })).id,
    });
    clock.advance(DAY);
    const answer = await request(token, { method: 'POST' });
    expect((await sessions.fromToken(answer.token)).session?.data.userId).toBe('bob');
    expect(events).toEqual(['destroyed replaced']);
  });

  test('rule 24: after a logout the cookie is deleted', async () => {
    const { clock, token, request, events } = await openBench(start, {
      options: DAILY,
      work: async ({ session }) => session?.destroy(),
    });
    clock.advance(DAY);
    expect(await request(token, { method: 'POST' })).toMatchObject({ set: expect.stringMatching(/^sid=; Max-Age=0/) });
    expect(events).toEqual(['destroyed destroyed']);
  });

  test('rule 8: the rotation makes one more write, and a change adds none', async () => {
    const { clock, token, request, store } = await openBench(start, {
      options: { ...DAILY, touchInterval: '6d' },
      work: ({ session }) => {
        if (session) session.data.theme = 'dark';
      },
    });
    clock.advance(DAY);
    await request(token, { method: 'POST' });
    expect(store.calls).toMatchObject({ find: 1, replace: 2 });
  });
});

describe.each(HEAD_HOSTS)('rotateEvery and HEAD (%s)', (_name, start) => {
  test.each(['HEAD', 'OPTIONS'])('rule 21: the answer to %s carries no new token', async (method) => {
    const { clock, token, request, events } = await openBench(start, { options: DAILY });
    clock.advance(DAY);
    expect(await request(token, { method })).toMatchObject({ user: 'ann', set: undefined });
    expect(events).toEqual([]);
  });
});

test('rule 21: an answer whose head was sent is finished without a new token (Express)', async () => {
  const clock = testClock();
  const sessions = createSessions<Data>({ now: clock.now, sources: [cookie('sid', { secure: false })], ...DAILY });
  const events: unknown[] = [];
  sessions.on('rotated', (event) => events.push(event));
  const app = express();
  app.use(expressSessions(sessions));
  app.get('/', (_req, res) => {
    res.write('one, ');
    res.end('two');
  });
  const { url } = await listenInTest(app);
  const { token } = await sessions.create({ userId: 'ann' });
  clock.advance(DAY);
  const response = await fetch(url, { headers: { cookie: `sid=${token}` } });
  expect([await response.text(), response.headers.getSetCookie(), events]).toEqual(['one, two', [], []]);
});
