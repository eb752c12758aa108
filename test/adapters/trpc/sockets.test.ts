import { afterEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { header } from '../../../src/index.js';
import type { Handlers } from './support/app.js';
import { ANN, type Data, openBench } from './support/bench.js';
import { failure, socketClient } from './support/clients.js';
import { overWebSocket } from './support/hosts.js';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const handlers: Handlers<Data> = {
  open: {
    who: ({ session }) => session?.data.userId ?? null,
    login: async ({ sessions }, { value }) => (await sessions.create({ ...ANN, userId: value })).token,
    loginAndChange: async ({ sessions }) => {
      const session = await sessions.create(ANN);
      session.data.a = 1;
      return session.token;
    },
  },
  own: {
    who: ({ session }) => session.data.userId,
    change: ({ session }) => session.data.a++,
    rotate: ({ session }) => session.rotate(),
    rotateAtOnce: ({ session }) => session.rotate({ immediate: true }),
    logout: ({ session }) => session.destroy(),
  },
  streams: {
    endless: async function* (_, { signal }) {
      yield 'here';
      await new Promise((resolve) => signal?.addEventListener('abort', resolve, { once: true }));
    },
  },
};

async function onSocket(
  connectionParams: (token: string) => Record<string, string> = (token) => ({ token }),
  options = {},
) {
  const bench = await openBench(handlers, { sessions: options });
  const token = await bench.login();
  const server = await overWebSocket(bench.app);
  stops.push(server.stop);
  const { client, close } = socketClient(server.url, connectionParams(token));
  stops.push(close);
  return { ...bench, token, socket: client };
}

const anonymous = () => ({});

describe('calls over a WebSocket', () => {
  test.each([
    ['token', (token: string) => ({ token })],
    ['authorization', (token: string) => ({ authorization: `Bearer ${token}` })],
    ['Authorization', (token: string) => ({ Authorization: `bearer ${token}` })],
  ])('the token comes in the connection parameters, as %s', async (_, params) => {
    const { socket } = await onSocket(params);
    expect(await socket.own.mutate('who')).toBe('ann');
  });

  test('invariant 5: each call looks the session up, so a session that ended elsewhere serves no further call', async () => {
    const { sessions, store, token, socket } = await onSocket();
    expect(await socket.own.mutate('who')).toBe('ann');
    expect(await socket.own.mutate('who')).toBe('ann');
    expect(store.calls.find).toBe(2);
    await sessions.destroy(token.slice(3, 39));
    expect(await failure(socket.own.mutate('who'))).toMatchObject({ code: 'UNAUTHORIZED' });
    expect(await socket.read.query('who')).toBeNull();
  });

  test('each call sees the writes of others', async () => {
    const { sessions, token, socket } = await onSocket();
    expect(await socket.own.mutate('change')).toBe(0);
    await (await sessions.find(token.slice(3, 39)))?.update((data) => {
      data.a = 41;
    });
    expect(await socket.own.mutate('change')).toBe(41);
  });

  test('invariant 6: an outage fails the calls that meet it, and the connection continues', async () => {
    const { store, socket } = await onSocket();
    store.before = () => {
      throw new Error('down');
    };
    expect(await failure(socket.own.mutate('who'))).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect(await failure(socket.read.query('who'))).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    store.before = undefined;
    expect(await socket.own.mutate('who')).toBe('ann');
  });

  test.each(['own.logout', 'open.login:bob'])(
    'rule 26: a client whose record became unreadable meanwhile can call %s, which ends that session',
    async (procedure) => {
      const { store, token, socket } = await onSocket(undefined, { schema: z.looseObject({ userId: z.string() }) });
      expect(await socket.own.mutate('who')).toBe('ann');
      const record = await store.find(token.slice(3, 39));
      if (!record) throw new Error('the session is missing');
      await store.replace(
        { ...record, version: 'x', body: record.body.replace('"ann"', '5') },
        record.version,
        60_000,
      );
      expect(await failure(socket.own.mutate('who'))).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
      const [kind, path] = procedure.split('.');
      await (kind === 'own' ? socket.own : socket.open).mutate(path ?? '');
      expect(await store.find(record.id)).toBeNull();
      expect(await socket.read.query('who')).toBe(kind === 'own' ? null : 'bob');
    },
  );

  test('invariant 7: a deadline that passes between two calls counts', async () => {
    const { clock, socket } = await onSocket();
    expect(await socket.own.mutate('who')).toBe('ann');
    clock.advance(7 * 86_400_000);
    expect(await failure(socket.own.mutate('who'))).toMatchObject({ code: 'UNAUTHORIZED' });
  });

  test('after a login the connection has the new session, and after a logout it is anonymous', async () => {
    const { socket, store } = await onSocket(anonymous);
    expect(await socket.read.query('who')).toBeNull();
    expect(store.total()).toBe(0);
    const token = await socket.open.mutate('login:bob');
    expect(token).toMatch(/^ts_/);
    expect(await socket.own.mutate('who')).toBe('bob');
    await socket.own.mutate('logout');
    expect(await failure(socket.own.mutate('who'))).toMatchObject({ code: 'UNAUTHORIZED' });
    expect(await store.count?.()).toBe(1);
  });

  test('a login is saved with the later changes of its procedure, also beside an open subscription', async () => {
    const { socket, stored } = await onSocket();
    const subscribed = new Promise((resolve) => {
      const subscription = socket.stream.subscribe('endless', { onData: resolve });
      stops.push(() => subscription.unsubscribe());
    });
    await subscribed;
    const token = await socket.open.mutate('loginAndChange');
    expect(await stored(String(token))).toMatchObject({ a: 1 });
  });

  test.each(['rotate', 'rotateAtOnce'])(
    'after %s the connection continues, and the new token works elsewhere',
    async (rotate) => {
      const { socket, client, token } = await onSocket();
      const rotated = await socket.own.mutate(rotate);
      expect(rotated).not.toBe(token);
      expect(await socket.own.mutate('who')).toBe('ann');
      expect(await client('single', String(rotated)).own.mutate('who')).toBe('ann');
      expect(await socket.own.mutate('change')).toBe(0);
    },
  );

  test('HEADERS_SENT: a source that writes to the response fails here, and nothing is inserted', async () => {
    const { socket, store } = await onSocket(anonymous, { sources: [header('x-auth-token', { respond: true })] });
    const { code, text } = await failure(socket.open.mutate('login:bob'));
    expect(code).toBe('INTERNAL_SERVER_ERROR');
    expect(text).not.toContain('x-auth-token');
    expect(store.calls.insert).toBe(0);
  });

  test('three calls that are sent together are each looked up, and written once', async () => {
    const { socket, store, stored, token } = await onSocket();
    await socket.own.mutate('who');
    store.reset();
    await Promise.all([socket.own.mutate('change'), socket.own.mutate('who'), socket.own.mutate('who')]);
    expect(store.calls).toMatchObject({ find: 3, replace: 1 });
    await vi.waitFor(async () => expect(await stored(token)).toMatchObject({ a: 1 }));
  });
});
