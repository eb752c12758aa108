import type { SessionStore } from 'token-sessions';
import { startServer } from './server.js';
import { openSessions } from './sessions.js';
import { STEPS } from './steps.js';
import { createTranscript } from './transcript.js';

/** Starts the server on a free port and drives it over HTTP through all steps. Answers whether each was as expected. */
export async function runDemo(store: SessionStore, print: (line: string) => void): Promise<boolean> {
  const sessions = openSessions(store);
  const server = await startServer(sessions, 0);
  const transcript = createTranscript(print);
  const tour = { url: server.url, sessions, store, transcript, token: '', oldToken: '' };
  try {
    print(`tRPC at ${server.url}/trpc and GraphQL at ${server.url}/graphql, on the same sessions`);
    for (const [title, step] of STEPS) {
      transcript.step(title);
      await step(tour);
    }
    print(`\nAll ${STEPS.length} steps were as expected.`);
    return true;
  } catch (error) {
    print(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  } finally {
    await server.close();
  }
}
