import { type RunningServer, startServer } from './server.js';
import { openSessions } from './sessions.js';
import { STEPS, type Tour } from './steps.js';
import type { DemoStore } from './store.js';
import { createTranscript } from './transcript.js';

/**
 * Starts the server on a free port, and takes it through all steps over HTTP. Returns whether all
 * results were as expected.
 */
export async function runDemo(open: () => Promise<DemoStore>, print: (line: string) => void): Promise<boolean> {
  let running = await start(open);
  // An earlier run may have left sessions in a store that outlives it.
  await running.store.clear?.();
  const tour: Tour = {
    ...running.forTour,
    transcript: createTranscript(print),
    token: '',
    oldToken: '',
    async restart() {
      await running.stop();
      running = await start(open);
      Object.assign(tour, running.forTour);
    },
  };
  try {
    print(`tRPC at ${tour.url}/trpc and GraphQL at ${tour.url}/graphql, on the same sessions, in ${running.name}`);
    for (const [title, step] of STEPS) {
      tour.transcript.step(title);
      await step(tour);
    }
    print(`\nAll ${STEPS.length} steps were as expected.`);
    return true;
  } catch (error) {
    print(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  } finally {
    await running.stop();
  }
}

async function start(open: () => Promise<DemoStore>) {
  const { name, store, close } = await open();
  const sessions = openSessions(store);
  const server: RunningServer = await startServer(sessions, 0);
  return {
    name,
    store,
    forTour: { url: server.url, sessions, store },
    async stop() {
      await server.close();
      await close();
    },
  };
}
