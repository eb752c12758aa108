import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  createSessions,
  memoryStore,
  type Session,
  type SessionStore,
  type SessionsOptions,
} from '../../../src/index.js';
import { testClock } from '../../support/clock.js';
import { countingStore } from '../../support/counting-store.js';
import { type Handlers, makeApp } from '../trpc/support/app.js';
import { failure, httpClient, socketClient } from '../trpc/support/clients.js';
import { overStandalone, overWebSocket } from '../trpc/support/hosts.js';
import { GRACE, HOUR, MINUTE } from './support/bench.js';

interface Data {
  userId: string;
}

const forever: NonNullable<Handlers<Data>['streams']>[string] = async function* () {
  yield 'here';
  await new Promise(() => undefined);
};

/** Yields repeatedly, with a pause, so that a test sees that it continues. */
const ticking: NonNullable<Handlers<Data>['streams']>[string] = async function* ({ session }, { value }) {
  if (value) await session.rotate({ immediate: true });
  for (let count = 0; ; count += 1) {
    yield count;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** One process of the application: HTTP and WebSockets on its own `createSessions`. */
async function startProcess(store: SessionStore, now: () => number, options: Partial<SessionsOptions<Data>> = {}) {
  const events: string[] = [];
  const sessions = createSessions<Data>({ store, now, recheckInterval: 200, rotationGrace: GRACE, ...options });
  for (const name of ['reuse-detected', 'destroyed'] as const) sessions.on(name, () => events.push(name));
  const app = makeApp<Data>(sessions, {
    own: {
      whoAmI: ({ session }) => session.data.userId,
      rotate: ({ session }) => session.rotate(),
      immediate: ({ session }) => session.rotate({ immediate: true }),
    },
    streams: { forever, ticking },
  });
  const http = await overStandalone(app);
  const sockets = await overWebSocket(app);
  onTestFinished(async () => {
    await http.stop();
    await sockets.stop();
    await sessions.close();
  });
  const bearer = (token: string) => ({ ...http, headers: { authorization: `Bearer ${token}` } });
  function socket(token: string) {
    const { client, close } = socketClient(sockets.url, { token });
    onTestFinished(() => void close());
    return client;
  }
  return {
    sessions,
    events,
    socket,
    client: (token: string) => httpClient('single', bearer(token)),
    sse: (token: string) => httpClient('subscription', bearer(token)),
  };
}

type Client = ReturnType<Awaited<ReturnType<typeof startProcess>>['socket']>;

/** A subscription: its values so far, and its end. */
function subscribe(client: Client, name: string) {
  const values: unknown[] = [];
  let ended: unknown;
  const subscription = client.stream.subscribe(name, {
    onData: (value: unknown) => void values.push(value),
    onError: (error) => {
      ended = error.data?.code ?? error.message;
    },
    onComplete: () => {
      ended = 'complete';
    },
  });
  onTestFinished(() => subscription.unsubscribe());
  return {
    values,
    get ended() {
      return ended;
    },
    started: () => vi.waitFor(() => expect(values.length).toBeGreaterThan(0)),
    over: () => vi.waitFor(() => expect(ended).toBe('UNAUTHORIZED'), 5_000),
    /** Waits until it has yielded more. */
    goesOn: () => {
      const before = values.length;
      return vi.waitFor(() => expect(values.length).toBeGreaterThan(before + 3), 5_000);
    },
  };
}

async function setUp(options?: Partial<SessionsOptions<Data>>, store: SessionStore = memoryStore()) {
  const clock = testClock();
  const here = await startProcess(store, clock.now, options);
  const { token, id } = await here.sessions.create({ userId: 'ann' });
  const load = async (text: string): Promise<Session<Data> | null> => (await here.sessions.fromToken(text)).session;
  return { clock, store, here, token, id, load };
}

describe.each(['SSE', 'WebSocket'] as const)('streams and immediate (%s)', (transport) => {
  const open = (of: Awaited<ReturnType<typeof startProcess>>, token: string) =>
    transport === 'SSE' ? of.sse(token) : of.socket(token);

  test('rule 20: the streams of the old token end at once in this process, and no others', async () => {
    // A recheck would end them only after a minute.
    const { here, token, load } = await setUp({ recheckInterval: '1m' });
    const old = [subscribe(open(here, token), 'forever'), subscribe(open(here, token), 'forever')];
    await Promise.all(old.map((each) => each.started()));
    const next = (await (await load(token))?.rotate({ immediate: true })) ?? '';
    await Promise.all(old.map((each) => each.over()));
    const later = subscribe(open(here, next), 'ticking');
    await later.goesOn();
    expect(later.ended).toBeUndefined();
  });

  test('rule 20: in another process they end within the recheck interval, without notifications', async () => {
    const { clock, store, here, token } = await setUp({}, countingStore());
    const there = await startProcess(store, clock.now);
    const old = subscribe(open(there, token), 'forever');
    await old.started();
    await here.client(token).own.mutate('immediate');
    await old.over();
  });

  test('rule 20: a stream whose own call rotates continues, while others of that token end', async () => {
    const { here, token } = await setUp();
    const other = subscribe(open(here, token), 'forever');
    await other.started();
    const own = subscribe(open(here, token), 'ticking:rotate');
    await other.over();
    // This takes several rechecks.
    const checked = performance.now() + 600;
    await vi.waitFor(() => expect(performance.now()).toBeGreaterThan(checked), 5_000);
    await own.goesOn();
    expect(own.ended).toBeUndefined();
  });

  test('rule 20: plain rotations end no stream, even if the token that opened it has ended', async () => {
    const { clock, here, token, load } = await setUp();
    const old = subscribe(open(here, token), 'ticking');
    await old.started();
    const next = (await (await load(token))?.rotate()) ?? '';
    await load(next);
    clock.advance(GRACE + MINUTE);
    expect(await load(token)).toBeNull();
    const checked = performance.now() + 600;
    await vi.waitFor(() => expect(performance.now()).toBeGreaterThan(checked), 5_000);
    await old.goesOn();
    expect(old.ended).toBeUndefined();
  });
});

describe('sockets', () => {
  test('rule 20: a socket whose call rotated continues with the new token, without using it', async () => {
    const { clock, here, token, load } = await setUp();
    const socket = here.socket(token);
    const next = String(await socket.own.mutate('rotate'));
    expect(await socket.own.mutate('whoAmI')).toBe('ann');
    // The old token is still the current one.
    expect(await socket.own.mutate('rotate')).toBe(next);
    await load(next);
    clock.advance(HOUR);
    expect(await load(token)).toBeNull();
    expect(await socket.own.mutate('whoAmI')).toBe('ann');
    expect(await socket.own.mutate('rotate')).not.toBe(next);
  });

  test("rule 20: after an immediate rotation the socket's calls continue, and its other streams end", async () => {
    const { here, token } = await setUp();
    const socket = here.socket(token);
    const stream = subscribe(socket, 'forever');
    await stream.started();
    await socket.own.mutate('immediate');
    await stream.over();
    expect(await socket.own.mutate('whoAmI')).toBe('ann');
  });

  test('rule 20: a socket whose token was replaced elsewhere has its calls refused, and its streams continue', async () => {
    const { clock, here, token, load } = await setUp();
    const socket = here.socket(token);
    const stream = subscribe(socket, 'ticking');
    await stream.started();
    await load((await (await load(token))?.rotate()) ?? '');
    clock.advance(GRACE);
    expect(await failure(socket.own.mutate('whoAmI'))).toMatchObject({ code: 'UNAUTHORIZED' });
    await stream.goesOn();
  });

  test('rule 23: a replaced token on an open socket is not a reuse; on a new connection it is, once a minute', async () => {
    const { clock, here, token, load } = await setUp();
    const [early, silent] = [here.socket(token), here.socket(token)];
    expect(await early.own.mutate('whoAmI')).toBe('ann');
    // This socket is open as well, though it has called nothing that needs a session.
    expect(await silent.bare.query()).toBe('no session was asked for');
    await load((await (await load(token))?.rotate()) ?? '');
    clock.advance(HOUR);
    for (const socket of [early, silent, early, silent]) {
      expect(await failure(socket.own.mutate('whoAmI'))).toMatchObject({ code: 'UNAUTHORIZED' });
    }
    expect(here.events).toEqual([]);
    for (const wait of [0, MINUTE - 1, 1]) {
      clock.advance(wait);
      expect(await failure(here.socket(token).own.mutate('whoAmI'))).toMatchObject({ code: 'UNAUTHORIZED' });
      expect(await failure(here.client(token).own.mutate('whoAmI'))).toMatchObject({ code: 'UNAUTHORIZED' });
    }
    expect(here.events).toEqual(['reuse-detected', 'reuse-detected']);
  });

  test('rule 23: with onReuse destroy, only a token that is sent again ends the session', async () => {
    const { clock, here, token, load } = await setUp({ onReuse: 'destroy' });
    const socket = here.socket(token);
    expect(await socket.own.mutate('whoAmI')).toBe('ann');
    const next = (await (await load(token))?.rotate()) ?? '';
    await load(next);
    clock.advance(HOUR);
    expect(await failure(socket.own.mutate('whoAmI'))).toMatchObject({ code: 'UNAUTHORIZED' });
    expect(await load(next)).not.toBeNull();
    await load(token);
    expect(await load(next)).toBeNull();
    expect(here.events).toEqual(['reuse-detected', 'destroyed']);
  });
});
