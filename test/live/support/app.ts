import { initTRPC } from '@trpc/server';
import { z } from 'zod';
import { trpcSessions } from '../../../src/adapters/trpc/index.js';
import type { Sessions } from '../../../src/index.js';
import type { Data } from './types.js';

const NEVER = new Promise<never>(() => {});

/** An application with one subscription of each kind. `bodies` counts those that have begun and those that have cleaned up. */
export function liveApp(sessions: Sessions<Data>) {
  const { createContext, requireSession } = trpcSessions(sessions);
  const t = initTRPC.context<typeof createContext>().create();
  const bodies = { begun: 0, done: 0 };
  const router = t.router({
    bare: t.procedure.subscription(async function* () {
      yield 'here';
      await NEVER;
    }),
    live: t.procedure.concat(requireSession).subscription(async function* () {
      yield 'here';
      await NEVER;
    }),
    // As bodies should be: its own signal tells that the client has gone.
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
            // What comes from elsewhere comes in turns of the event loop.
            await new Promise((resolve) => setImmediate(resolve));
          }
        } finally {
          bodies.done += 1;
        }
      }),
  });
  return { router, createContext, bodies };
}

export type LiveApp = ReturnType<typeof liveApp>;
