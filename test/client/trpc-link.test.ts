import {
  httpBatchLink,
  httpBatchStreamLink,
  httpLink,
  loggerLink,
  type Operation,
  type OperationResultEnvelope,
  type TRPCClientError,
  type TRPCLink,
} from '@trpc/client';
import type { AnyTRPCRouter } from '@trpc/server';
import { observable } from '@trpc/server/observable';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test, vi } from 'vitest';
import {
  createSessionClient,
  type SessionClientOptions,
  sessionProblem,
  trpcSessionLink,
} from '../../src/client/index.js';
import { changesOf } from './support/fake-browser.js';
import { startTrpcServer, type TrpcServer, trpcClient } from './support/trpc-server.js';

let server: TrpcServer;
beforeAll(async () => {
  server = await startTrpcServer();
});
afterAll(() => server.close());

const LINKS = { httpLink, httpBatchLink, httpBatchStreamLink };

/** An application that makes requests wait for `before`, after they have got their token. */
function application(link: keyof typeof LINKS, options: SessionClientOptions = {}) {
  const sent: string[] = [];
  let before: (() => Promise<unknown>) | undefined;
  const session = createSessionClient({
    storage: 'memory',
    origins: [server.url],
    fetch: async (input, init) => {
      sent.push(new URL(String(input)).pathname.slice(1));
      const run = before;
      before = undefined;
      await run?.();
      return fetch(input, init);
    },
    ...options,
  });
  const trpc = trpcClient([trpcSessionLink(session), LINKS[link]({ url: server.url, fetch: session.fetch })]);
  return {
    session,
    trpc,
    sent,
    /** Runs during the next request. */
    meanwhile: (run: () => Promise<unknown>) => {
      before = run;
    },
    async login(): Promise<string> {
      // With a streaming link, a source that writes headers cannot log in.
      const { token } = await server.sessions.create({ userId: 'ada' });
      await session.set(token);
      return token;
    },
    /** Another tab gets a new token, which ends the previous one. */
    async rotateElsewhere(): Promise<void> {
      const token = (await session.token()) ?? '';
      const other = await server.sessions.fromToken(token);
      const rotated = await other.session?.rotate({ immediate: true, reauthenticated: true });
      await session.set(rotated);
    },
  };
}

describe.each(Object.keys(LINKS) as (keyof typeof LINKS)[])('over %s', (link) => {
  test('a call carries the token', async () => {
    const { trpc, login } = application(link);
    await login();
    expect(await trpc.guarded.mutate()).toBe('ada');
  });

  test('a call whose token another tab has replaced is repeated, and runs once', async () => {
    const { login, trpc, session, meanwhile, rotateElsewhere } = application(link);
    await login();
    const { guarded } = server.counts;
    meanwhile(rotateElsewhere);
    expect(await trpc.guarded.mutate()).toBe('ada');
    expect(server.counts.guarded).toBe(guarded + 1);
    expect(await session.token()).not.toBeNull();
  });

  test('a session that ended elsewhere ends here, once for all calls', async () => {
    const { login, trpc, session } = application(link);
    const token = await login();
    const changes = changesOf(session);
    await (await server.sessions.fromToken(token)).session?.destroy();
    const { guarded } = server.counts;
    const results = await Promise.allSettled([trpc.guarded.mutate(), trpc.guarded.mutate(), trpc.guarded.mutate()]);
    expect(results.map((each) => each.status === 'rejected' && sessionProblem(each.reason))).toEqual([
      'ended',
      'ended',
      'ended',
    ]);
    expect(changes).toEqual([{ type: 'ended', reason: 'refused' }]);
    expect(server.counts.guarded).toBe(guarded);
  });

  test('a step-up asks once, and repeats the refused calls', async () => {
    const asked = vi.fn();
    const app = application(link, {
      onStepUp: async (need) => {
        asked(need);
        await app.rotateElsewhere();
        return true;
      },
    });
    await app.login();
    server.clock.now += 3_600_000;
    const { guarded } = server.counts;
    await Promise.all([app.trpc.fresh.mutate(), app.trpc.fresh.mutate()]);
    expect(asked).toHaveBeenCalledTimes(1);
    expect(server.counts.guarded).toBe(guarded + 2);
  });

  test.each(['nested', 'unguarded', 'late'] as const)(
    'a call that has run in part before a step-up is refused is not repeated: %s',
    async (procedure) => {
      const onStepUp = vi.fn(async () => true);
      const { login, trpc, session } = application(link, { onStepUp });
      const token = await login();
      server.clock.now += 3_600_000;
      const { guarded, open } = server.counts;
      const refused = await trpc[procedure].mutate().catch((error: unknown) => error);
      expect(sessionProblem(refused)).toBe('step-up');
      expect(onStepUp).not.toHaveBeenCalled();
      expect(server.counts.guarded + server.counts.open).toBe(guarded + open + 1);
      expect(await session.token()).toBe(token);
    },
  );

  test('a call that does nothing before it asks for a step-up is repeated', async () => {
    const app = application(link, {
      onStepUp: async () => {
        await app.rotateElsewhere();
        return true;
      },
    });
    await app.login();
    server.clock.now += 3_600_000;
    const { guarded } = server.counts;
    await app.trpc.prompt.mutate();
    expect(server.counts.guarded).toBe(guarded + 1);
  });

  test('outages of the store and errors of the application do not log out, and are not repeated', async () => {
    const { login, trpc, session, sent } = application(link);
    const token = await login();
    sent.length = 0;
    server.store.isDown = true;
    const outage = await trpc.guarded.mutate().catch((error: unknown) => error);
    server.store.isDown = false;
    expect(sessionProblem(outage)).toBe('unavailable');
    const { guarded } = server.counts;
    const failure = await trpc.broken.mutate().catch((error: unknown) => error);
    expect(sessionProblem(failure)).toBeUndefined();
    expect(server.counts.guarded).toBe(guarded + 1);
    expect(await session.token()).toBe(token);
    expect(sent).toEqual(['guarded', 'broken']);
  });
});

test.each(['httpLink', 'httpBatchLink'] as const)(
  'a login over %s takes its token from the header, once',
  async (link) => {
    const { session, trpc } = application(link);
    const changes = changesOf(session);
    await session.set(await trpc.login.mutate());
    expect(await trpc.guarded.mutate()).toBe('ada');
    expect(changes).toEqual([{ type: 'started' }]);
  },
);

test('only the refused call of a batch is repeated', async () => {
  const { login, trpc, sent, meanwhile, rotateElsewhere } = application('httpBatchLink');
  await login();
  const { open, guarded } = server.counts;
  sent.length = 0;
  meanwhile(rotateElsewhere);
  await Promise.all([trpc.open.mutate(), trpc.guarded.mutate()]);
  expect(sent).toEqual(['open,guarded', 'guarded']);
  expect(server.counts).toEqual({ open: open + 1, guarded: guarded + 1 });
});

test('a lost connection is an error, and does not log out', async () => {
  const session = createSessionClient({ storage: 'memory', origins: ['http://127.0.0.1:9'] });
  await session.set('ts_ada.secret');
  const trpc = trpcClient([trpcSessionLink(session), httpLink({ url: 'http://127.0.0.1:9', fetch: session.fetch })]);
  await expect(trpc.guarded.mutate()).rejects.toThrow();
  expect(await session.token()).toBe('ts_ada.secret');
});

describe('the link itself', () => {
  type Envelope = OperationResultEnvelope<unknown, TRPCClientError<AnyTRPCRouter>>;
  const refusal = Object.assign(new Error('refused'), { data: { sessionCode: 'UNAUTHENTICATED' } });

  const unreachable = (): never => {
    throw new Error('nothing follows');
  };

  /** The end of a chain: each call gets the next of these answers. */
  function scriptedLink(answers: ((next: (value: Envelope) => void) => Error | undefined)[]) {
    const calls: Operation[] = [];
    const link: TRPCLink<AnyTRPCRouter> =
      () =>
      ({ op }) =>
        observable((observer) => {
          calls.push(op);
          const failure = answers.shift()?.((value) => observer.next(value));
          if (failure) observer.error(Object.assign(Object.create(null), failure, { data: refusal.data }));
          else observer.complete();
        });
    return { link, calls };
  }

  test('has the type of a link for any router, also beside others', () => {
    const session = createSessionClient({ storage: 'memory', origins: ['http://localhost'] });
    expectTypeOf(trpcSessionLink(session)).toExtend<TRPCLink<AnyTRPCRouter>>();
    const links: TRPCLink<AnyTRPCRouter>[] = [loggerLink({ enabled: () => false }), trpcSessionLink(session)];
    expect(links).toHaveLength(2);
    expectTypeOf(session.fetch).toExtend<NonNullable<Parameters<typeof httpLink>[0]['fetch']>>();
  });

  test('works behind links that pipe its result', async () => {
    const { session, trpc } = application('httpLink');
    const piped = trpcClient([
      loggerLink({ enabled: () => true, logger: () => {} }),
      trpcSessionLink(session),
      httpLink({ url: server.url, fetch: session.fetch }),
    ]);
    await session.set(await trpc.login.mutate());
    expect(await piped.guarded.mutate()).toBe('ada');
  });

  test('begins a subscription again, once, with a newer token', async () => {
    const session = createSessionClient({ storage: 'memory', origins: ['http://localhost'] });
    await session.set('ts_ada.one');
    const event = { result: { type: 'data' as const, data: 1 } };
    const { link, calls } = scriptedLink([
      (next) => {
        next(event);
        void session.set('ts_ada.two');
        return refusal;
      },
      (next) => void next(event),
    ]);
    const op: Operation = { id: 1, type: 'subscription', path: 'events', input: undefined, context: {}, signal: null };
    const end = link({});
    const events: unknown[] = [];
    await new Promise<void>((complete, error) => {
      trpcSessionLink(session)()({ op, next: (each) => end({ op: each, next: unreachable }) }).subscribe({
        next: (value) => events.push(value),
        error,
        complete,
      });
    });
    expect(calls).toHaveLength(2);
    expect(events).toHaveLength(2);
  });

  test('sends nothing after the caller has unsubscribed', async () => {
    const session = createSessionClient({ storage: 'memory', origins: ['http://localhost'] });
    const { link, calls } = scriptedLink([]);
    const end = link({});
    const op: Operation = { id: 1, type: 'query', path: 'me', input: undefined, context: {}, signal: null };
    const seen = vi.fn();
    const subscription = trpcSessionLink(session)()({
      op,
      next: (each) => end({ op: each, next: unreachable }),
    }).subscribe({
      next: seen,
      error: seen,
      complete: seen,
    });
    subscription.unsubscribe();
    await session.token();
    await session.token();
    expect(calls).toEqual([]);
    expect(seen).not.toHaveBeenCalled();
  });
});
