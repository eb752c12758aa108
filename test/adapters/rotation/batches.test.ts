import { createYoga } from 'graphql-yoga';
import { describe, expect, onTestFinished, test } from 'vitest';
import { useSession } from '../../../src/adapters/yoga/index.js';
import {
  cookie,
  createSessions,
  requireFresh,
  type SessionContext,
  type Sessions,
  type SessionsOptions,
} from '../../../src/index.js';
import { testClock } from '../../support/clock.js';
import { gate } from '../../support/gate.js';
import { listenInTest } from '../../support/http.js';
import { makeApp } from '../trpc/support/app.js';
import { overStandalone } from '../trpc/support/hosts.js';
import { makeSchema } from '../yoga/support/app.js';
import { HOUR } from './support/bench.js';

interface Data {
  userId: string;
}

/** The calls of a batch, by their names. */
type Calls = Readonly<Record<string, (context: SessionContext<Data>) => unknown>>;

/** Sends these calls as one batch. Resolves to the body and the cookie of the answer. */
type Batch = (
  names: readonly string[],
  token: string,
) => Promise<{ readonly text: string; readonly token: string | undefined }>;

const overTrpc = async (sessions: Sessions<Data>, calls: Calls): Promise<Batch> => {
  const host = await overStandalone(makeApp(sessions, { own: calls }));
  onTestFinished(host.stop);
  return async (names, token) => {
    const url = `${host.url}/${names.map(() => 'own').join()}?batch=1`;
    const body = JSON.stringify(Object.fromEntries(names.map((name, index) => [index, name])));
    return answerOf(await host.fetch(url, { method: 'POST', body, headers: headersOf(token) }));
  };
};

const overYoga = async (sessions: Sessions<Data>, calls: Calls): Promise<Batch> => {
  const yoga = createYoga({
    schema: makeSchema<Data>({ run: calls }),
    plugins: [useSession(sessions)],
    batching: true,
    logging: false,
  });
  const { url } = await listenInTest(yoga);
  return async (names, token) => {
    const body = JSON.stringify(names.map((name) => ({ query: `mutation { run(op: "${name}") }` })));
    return answerOf(await fetch(`${url}/graphql`, { method: 'POST', body, headers: headersOf(token) }));
  };
};

function headersOf(token: string): Record<string, string> {
  return { 'content-type': 'application/json', cookie: `sid=${token}` };
}

async function answerOf(response: Response): Promise<{ text: string; token: string | undefined }> {
  const token = response.headers
    .getSetCookie()
    .find((each) => each.startsWith('sid='))
    ?.slice('sid='.length)
    .split(';')[0];
  return { text: await response.text(), token };
}

async function setUp(open: typeof overTrpc, calls: Calls, options: Partial<SessionsOptions<Data>> = {}) {
  const clock = testClock();
  const events: string[] = [];
  const sessions = createSessions<Data>({ now: clock.now, sources: [cookie('sid', { secure: false })], ...options });
  sessions.on('rotated', ({ reason }) => events.push(reason));
  const batch = await open(sessions, calls);
  const { token } = await sessions.create({ userId: 'ann' });
  clock.advance(HOUR);
  return { clock, sessions, events, token, batch };
}

describe.each([
  ['tRPC', overTrpc],
  ['Yoga', overYoga],
] as const)('a batch whose calls rotate (%s)', (_name, open) => {
  test('rule 22: a call that did not reauthenticate stays stale, whatever its neighbour does', async () => {
    const proven = gate();
    const seen: unknown[] = [];
    const { token, batch, sessions } = await setUp(open, {
      prove: async ({ session }) => {
        const made = await session?.rotate({ reauthenticated: true });
        seen.push(session?.authenticatedAt);
        proven.open();
        return made;
      },
      lazy: async (context) => {
        await proven.opened;
        seen.push(context.session?.authenticatedAt);
        requireFresh(context, '5m');
      },
    });
    const { text, token: next } = await batch(['lazy', 'prove'], token);
    expect(seen).toEqual([Number(seen[1]) + HOUR, seen[1]]);
    expect(text).toContain('more recent authentication');
    expect((await sessions.fromToken(next)).session?.authenticatedAt).toBe(seen[0]);
  });

  test('rule 21: concurrent calls that rotate get one token, which the answer carries', async () => {
    const made: unknown[] = [];
    const { token, batch, events } = await setUp(open, {
      it: async ({ session }) => void made.push(await session?.rotate()),
    });
    const { token: next } = await batch(['it', 'it', 'it'], token);
    expect(made).toEqual([next, next, next]);
    expect(events).toEqual(['pending']);
  });

  test('rule 21: a batch rotates once by age, after its calls have finished', async () => {
    let proves = false;
    const calls: Calls = {
      read: ({ session }) => session?.data.userId,
      it: ({ session }) => (proves ? session?.rotate({ reauthenticated: true }) : undefined),
    };
    const { clock, token, batch, events, sessions } = await setUp(open, calls, { rotateEvery: '1h' });
    const { token: next = '' } = await batch(['read', 'it', 'read'], token);
    expect(events).toEqual(['pending']);
    await sessions.fromToken(next);
    clock.advance(HOUR);
    proves = true;
    const { token: last } = await batch(['read', 'it', 'read'], next);
    expect(events).toEqual(['pending', 'pending']);
    expect((await sessions.fromToken(last)).session?.authenticatedAt).toBe(clock.now());
  });
});

test('rule 21: a streamed batch whose head was sent is served, and does not rotate by age', async () => {
  const clock = testClock();
  const sessions = createSessions<Data>({
    now: clock.now,
    sources: [cookie('sid', { secure: false })],
    rotateEvery: '1h',
  });
  const events: unknown[] = [];
  sessions.on('rotated', (event) => events.push(event));
  const host = await overStandalone(makeApp(sessions, { own: { it: ({ session }) => session.data.userId } }));
  onTestFinished(host.stop);
  const { token } = await sessions.create({ userId: 'ann' });
  clock.advance(HOUR);
  const headers = { ...headersOf(token), 'trpc-accept': 'application/jsonl' };
  const response = await host.fetch(`${host.url}/own,own?batch=1`, {
    method: 'POST',
    body: '{"0":"it","1":"it"}',
    headers,
  });
  expect(await response.text()).toContain('ann');
  expect([response.headers.getSetCookie(), events]).toEqual([[], []]);
});
