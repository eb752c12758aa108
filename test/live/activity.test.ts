import { EventEmitter, on } from 'node:events';
import { createYoga } from 'graphql-yoga';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { requireSession, useSession } from '../../src/adapters/yoga/index.js';
import { memoryStore, type SessionsOptions } from '../../src/index.js';
import { openBench } from '../adapters/trpc/support/bench.js';
import { collect, socketClient } from '../adapters/trpc/support/clients.js';
import { overWebSocket } from '../adapters/trpc/support/hosts.js';
import { makeSchema } from '../adapters/yoga/support/app.js';
import { makeSessions } from '../adapters/yoga/support/setup.js';
import { openSocketServer } from '../adapters/yoga/support/socket.js';

const IDLE = 1_000;

/** A connection with an open subscription, to which the server pushes. */
interface Connection {
  readonly clock: { advance(ms: number): void };
  /** The values that have arrived, and how it ended. */
  readonly arrived: unknown[];
  /** Another call of the client on the same connection. */
  call(): Promise<unknown>;
  push(value: string): void;
  /** Resolves when the live session has been looked at some more times. */
  rechecked(): Promise<void>;
}

function parts() {
  const store = memoryStore({ now: () => 0 });
  const lookUps = vi.spyOn(store, 'findMany');
  const emitter = new EventEmitter();
  async function* pushed() {
    const values = on(emitter, 'push');
    yield 'open';
    for await (const [value] of values) yield value;
  }
  const rechecked = async () => {
    const before = lookUps.mock.calls.length;
    await vi.waitFor(() => expect(lookUps.mock.calls.length).toBeGreaterThan(before + 2));
  };
  const options = { store, idleTimeout: IDLE, touchInterval: 1, recheckInterval: 20 } satisfies SessionsOptions<never>;
  return { options, pushed, rechecked, push: (value: string) => void emitter.emit('push', value) };
}

async function overTrpc(): Promise<Connection> {
  const { options, pushed, ...rest } = parts();
  const bench = await openBench(
    { own: { who: ({ session }) => session.data.userId }, streams: { it: pushed } },
    { sessions: options },
  );
  const server = await overWebSocket(bench.app);
  onTestFinished(server.stop);
  const { client, close } = socketClient(server.url, { token: await bench.login() });
  onTestFinished(close);
  const arrived: unknown[] = [];
  collect(
    (own) => client.stream.subscribe('it', own),
    (value) => void arrived.push(value),
  ).catch(() => arrived.push('ended'));
  return { ...rest, clock: bench.clock, arrived, call: () => client.own.mutate('who') };
}

async function overGraphqlWs(): Promise<Connection> {
  const { options, pushed, ...rest } = parts();
  const { sessions, token, clock } = await makeSessions(options);
  const schema = makeSchema({
    run: { who: (ctx) => requireSession(ctx).data.userId },
    watch: { it: (ctx) => requireSession(ctx) && pushed() },
  });
  const server = await openSocketServer(
    createYoga({ schema, logging: false, plugins: [useSession(sessions)] }).getEnveloped,
  );
  onTestFinished(() => server.stop());
  const client = server.connect({ connectionParams: { token } });
  onTestFinished(() => client.close());
  const arrived: unknown[] = [];
  void (async () => {
    for await (const result of client.results('subscription { watch(op: "it") }')) {
      arrived.push(
        JSON.stringify(result).includes('UNAUTHENTICATED')
          ? 'ended'
          : Reflect.get(Object(Reflect.get(Object(result), 'data')), 'watch'),
      );
    }
  })();
  return { ...rest, clock, arrived, call: () => client.execute('{ run(op: "who") }') };
}

describe.each([
  ['tRPC', overTrpc],
  ['graphql-ws', overGraphqlWs],
] as const)('invariant 7: what keeps the session of a WebSocket alive (%s)', (_name, open) => {
  test('messages that the server pushes do not', async () => {
    const { clock, arrived, push, rechecked } = await open();
    await vi.waitFor(() => expect(arrived).toEqual(['open']));
    clock.advance(IDLE - 1);
    push('late');
    await vi.waitFor(() => expect(arrived).toEqual(['open', 'late']));
    await rechecked();
    expect(arrived).toEqual(['open', 'late']);
    clock.advance(1);
    await vi.waitFor(() => expect(arrived).toEqual(['open', 'late', 'ended']));
  });

  test('messages that the client sends do, and keep its subscription alive too', async () => {
    const { clock, arrived, call, push, rechecked } = await open();
    await vi.waitFor(() => expect(arrived).toEqual(['open']));
    clock.advance(IDLE - 1);
    await call();
    clock.advance(IDLE - 1);
    await rechecked();
    push('still here');
    await vi.waitFor(() => expect(arrived).toEqual(['open', 'still here']));
    clock.advance(1);
    await vi.waitFor(() => expect(arrived).toEqual(['open', 'still here', 'ended']));
  });
});
