import { initTRPC, TRPCError } from '@trpc/server';
import { z } from 'zod';
import { trpcSessions } from '../../../src/adapters/trpc/index.js';
import type { Sessions } from '../../../src/index.js';
import { type Data, type Moments, monotonic } from './types.js';

/**
 * An application with one subscription of each kind. `bodies` counts those that have begun and
 * those that have cleaned up. `stopped` has the times at which waiting bodies were aborted.
 * `release` ends those without a session.
 */
export function liveApp(sessions: Sessions<Data>) {
  const { createContext, requireSession } = trpcSessions(sessions);
  const t = initTRPC.context<typeof createContext>().create();
  const bodies = { begun: 0, done: 0 };
  const stopped: Moments = [];
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const router = t.router({
    bare: t.procedure.subscription(async function* () {
      yield 'here';
      await released;
      throw new TRPCError({ code: 'UNAUTHORIZED' });
    }),
    live: t.procedure
      .concat(requireSession)
      .subscription(({ ctx }) => waitsForEver(() => stopped.push([ctx.session.id, monotonic()]))),
    // As bodies should: its own signal shows that the client has gone.
    polite: t.procedure.concat(requireSession).subscription(async function* ({ signal }) {
      bodies.begun += 1;
      try {
        yield 'here';
        await new Promise((resolve) => signal?.addEventListener('abort', resolve, { once: true }));
      } finally {
        bodies.done += 1;
      }
    }),
    flood: t.procedure
      .concat(requireSession)
      .input(z.string().optional())
      .subscription(async function* () {
        bodies.begun += 1;
        try {
          for (;;) {
            yield 'x'.repeat(1_000);
            // Outside events come in turns of the event loop.
            await new Promise((resolve) => setImmediate(resolve));
          }
        } finally {
          bodies.done += 1;
        }
      }),
  });
  return { router, createContext, bodies, stopped, release: () => release() };
}

/**
 * Yields once, and reports when it is returned. A waiting generator could not report that time.
 */
function waitsForEver(onReturn: () => void): AsyncIterableIterator<string> {
  let begun = false;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => {
      if (begun) return new Promise(() => {});
      begun = true;
      return Promise.resolve({ done: false, value: 'here' });
    },
    return: () => {
      onReturn();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
}

export type LiveApp = ReturnType<typeof liveApp>;
