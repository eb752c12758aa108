import { describe, expect, test } from 'vitest';
import { hostOf } from '../../src/http/host.js';
import type { NodeResponse } from '../../src/http/hosts.js';
import { bearer, cookie, header, requireSession, type SessionsOptions } from '../../src/index.js';
import { type Context, type Data, requestOf, setUp } from './support/handle.js';

const GRACE = 30_000;

/** Sessions with two sources that write, and a request of a session for each. */
async function setUpWriters(options: Partial<SessionsOptions<Data>> = {}) {
  const made = setUp({
    sources: [bearer({ respond: 'X-Auth' }), cookie('sid', { secure: false })],
    rotationGrace: GRACE,
    ...options,
  });
  const { token } = await made.sessions.create({ userId: 'ann' });
  const byHeader = () => requestOf(token);
  const byCookie = () => requestOf(undefined, { headers: { cookie: `sid=${token}` } });
  return { ...made, token, byHeader, byCookie };
}

/** Adds a header and a cookie of the application. */
function decorate({ sessions }: Context): void {
  sessions.responseHeaders.set('x-own', '1');
  sessions.responseHeaders.append('set-cookie', 'theme=dark');
}

const namesOf = (response: Response) => response.headers.getSetCookie().map((each) => each.split('=')[0]);

describe('a rotated token that comes too late', () => {
  test.each([
    [GRACE, expect.stringMatching(/^ts_/), ['theme', 'sid']],
    [GRACE + 1, null, ['theme']],
  ])('rule 21: after %i ms, is on the answer or leaves no trace, and the rest stays', async (after, sent, names) => {
    const { sessions, clock, byHeader, byCookie } = await setUpWriters();
    const rotate = async (context: Context) => {
      decorate(context);
      await requireSession(context).rotate();
      clock.advance(after);
      return new Response('rotated');
    };
    const answer = await sessions.handle(byHeader(), rotate);
    expect([answer.headers.get('x-auth'), answer.headers.get('x-own'), namesOf(answer)]).toEqual([
      sent,
      '1',
      ['theme'],
    ]);
    // Others may still need the list of the headers that pages can read.
    expect(answer.headers.get('access-control-expose-headers')).toBe('X-Auth');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    clock.advance(-after);
    const other = await sessions.handle(byCookie(), rotate);
    expect([other.headers.get('x-auth'), other.headers.get('x-own'), namesOf(other)]).toEqual([null, '1', names]);
  });

  test('rule 21: causes no warning, as no answer must carry it', async () => {
    const { sessions, clock, byHeader, log } = await setUpWriters();
    const answer = sessions.handle(byHeader(), async (context) => {
      await requireSession(context).rotate();
      clock.advance(GRACE + 1);
      throw Object.assign(new Error('not found'), { status: 404 });
    });
    await expect(answer).rejects.toThrow('not found');
    expect(log).toEqual([]);
  });
});

test('rule 24: an answer with a token is not cached, whatever the application sets after that', async () => {
  const { sessions, byHeader } = await setUpWriters();
  const answer = await sessions.handle(byHeader(), async (context) => {
    await requireSession(context).rotate();
    context.sessions.responseHeaders.set('cache-control', 'public');
    return new Response();
  });
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const anonymous = await sessions.handle(requestOf(), (context) => {
    context.sessions.responseHeaders.set('cache-control', 'public');
    return new Response();
  });
  expect(anonymous.headers.get('cache-control')).toBe('public');
});

test.each<[string | undefined, boolean]>([
  [undefined, true],
  ['GET', true],
  ['get', true],
  ['POST', true],
  ['HEAD', false],
  ['head', false],
  ['OPTIONS', false],
  ['options', false],
])('rule 21: a token is rotated by its age only if the page sees the answer: %s', async (method, rotates) => {
  const { sessions, clock, token, store } = await setUpWriters({ rotateEvery: '1m' });
  clock.advance(61_000);
  store.reset();
  const context = await sessions.fromHeaders(
    { authorization: `Bearer ${token}` },
    method === undefined ? {} : { method },
  );
  expect(context.sessions.responseHeaders.get('x-auth')).toEqual(rotates ? expect.stringMatching(/^ts_/) : null);
  expect(context.session?.data.userId).toBe('ann');
});

test('the answer to a logout ends the token of every source, and the one to a login keeps the new one', async () => {
  const { sessions, byHeader } = await setUpWriters();
  const login = await sessions.handle(byHeader(), async (context) => {
    const before = context.session;
    await context.sessions.create({ userId: 'bob' });
    await before?.destroy();
    return new Response();
  });
  expect(login.headers.get('x-auth')).toMatch(/^ts_/);
  const next = requestOf(login.headers.get('x-auth') ?? '');
  const logout = await sessions.handle(next, async (context) => {
    await requireSession(context).destroy();
    return new Response();
  });
  expect(logout.headers.get('x-auth')).toBe('');
  expect(logout.headers.getSetCookie()).toEqual([
    expect.stringMatching(/^sid=; Max-Age=0; Path=\/; HttpOnly; SameSite=Lax$/),
  ]);
});

test('the end of another session, by another call of the request, leaves the new token on the answer', async () => {
  const { sessions, token } = await setUpWriters();
  const opened = hostOf(sessions).open({
    key: undefined,
    headers: { authorization: `Bearer ${token}` },
    target: { kind: 'collect' },
  });
  const [login, logout] = [opened.open({ hasOutcome: true }), opened.open({ hasOutcome: true })];
  await Promise.all([login.load(), logout.load()]);
  const created = await login.sessions.create({ userId: 'bob' });
  await login.commit();
  await logout.session?.destroy();
  await logout.commit();
  expect(opened.head.headers.get('x-auth')).toBe(created.token);
});

describe.each<[string, (token: string) => Record<string, string>]>([
  ['a token that a source writes', (token) => ({ cookie: `sid=${token}` })],
  ['a token that no source writes', (token) => ({ authorization: `Bearer ${token}` })],
])('the answer to a request with %s', (_name, headersWith) => {
  const sources = [bearer(), cookie('sid', { secure: false }), header('x-token', { respond: true })];

  test('rule 24: has no deletion if the call leaves a new session, whatever it did first', async () => {
    const { sessions, token } = await setUpWriters({ sources });
    const answer = await sessions.handle(requestOf(undefined, { headers: headersWith(token) }), async (context) => {
      decorate(context);
      await requireSession(context).destroy();
      await context.sessions.create({ userId: 'bob' });
      return new Response();
    });
    const deletions = answer.headers.getSetCookie().filter((each) => /^sid=;/.test(each));
    expect([deletions, answer.headers.get('x-token')]).toEqual([[], null]);
    expect([answer.headers.get('x-own'), namesOf(answer)[0]]).toEqual(['1', 'theme']);
  });

  test('rule 24: has a deletion if the call ends the session that it created', async () => {
    const { sessions, token } = await setUpWriters({ sources });
    const answer = await sessions.handle(requestOf(undefined, { headers: headersWith(token) }), async (context) => {
      await requireSession(context).destroy();
      await (await context.sessions.create({ userId: 'bob' })).destroy();
      return new Response();
    });
    expect([namesOf(answer), answer.headers.get('x-token')]).toEqual([['sid'], '']);
  });

  test('rule 24: has no deletion if a neighbour leaves a new session', async () => {
    const { sessions, token } = await setUpWriters({ sources });
    const opened = hostOf(sessions).open({ key: undefined, headers: headersWith(token), target: { kind: 'collect' } });
    const [login, logout] = [opened.open({ hasOutcome: true }), opened.open({ hasOutcome: true })];
    await Promise.all([login.load(), logout.load()]);
    await logout.session?.destroy();
    await logout.commit();
    await login.sessions.create({ userId: 'bob' });
    await login.commit();
    const { headers } = opened.head;
    expect([headers.getSetCookie().filter((each) => /^sid=;/.test(each)), headers.get('x-token')]).toEqual([[], null]);
  });

  test('rule 24: has no deletion on a response that has no moment before its head', async () => {
    const { sessions, token } = await setUpWriters({ sources });
    const sent = new Map<string, string | string[]>([['set-cookie', ['theme=dark']]]);
    const response: NodeResponse = {
      headersSent: false,
      getHeader: (name) => sent.get(name),
      setHeader: (name, value) => sent.set(name, value),
      removeHeader: (name) => sent.delete(name),
    };
    const target = { kind: 'node', response } as const;
    const opened = hostOf(sessions).open({ key: undefined, headers: headersWith(token), target });
    const call = opened.open({ hasOutcome: false });
    await call.load();
    await call.session?.destroy();
    expect(sent.get('x-token')).toBe('');
    await call.sessions.create({ userId: 'bob' });
    const cookies = [sent.get('set-cookie')].flat().map(String);
    expect([cookies[0], cookies.filter((each) => /^sid=;/.test(each))]).toEqual(['theme=dark', []]);
    expect(sent.get('x-token')).toBeUndefined();
  });

  test('keeps a header that the application has set since under the name of ours', async () => {
    const { sessions, token } = await setUpWriters({ sources });
    const answer = await sessions.handle(requestOf(undefined, { headers: headersWith(token) }), async (context) => {
      await requireSession(context).destroy();
      context.sessions.responseHeaders.set('x-token', 'own');
      await context.sessions.create({ userId: 'bob' });
      return new Response();
    });
    expect(answer.headers.get('x-token')).toBe('own');
  });
});
