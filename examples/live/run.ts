import { memoryStore, type SessionStore } from 'token-sessions';
import { follow, overSse, overWebSocket } from './clients.js';
import { startInstance } from './instance.js';

/**
 * Runs two instances on one store. A logout on one ends the streams of the other. Returns whether
 * all was as expected.
 */
export async function runLive(print: (line: string) => void, store: SessionStore = memoryStore()): Promise<boolean> {
  const [first, second] = await Promise.all([startInstance(store), startInstance(store)]);
  try {
    const results: boolean[] = [];
    for (const [there, here] of [
      [first, second],
      [second, first],
    ] as const) {
      const token = await overSse(here.http, null).login.mutate();
      const socket = overWebSocket(there.ws, token);
      const streams = [
        ['SSE', await follow(overSse(there.http, token))],
        ['WebSocket', await follow(socket.client)],
      ] as const;
      print(`Logged in, with two open streams on ${there.http}. Logging out on ${here.http} …`);
      await overSse(here.http, token).logout.mutate();
      const loggedOut = performance.now();
      for (const [name, { ended }] of streams) {
        const { code, at } = await ended;
        print(`  ${name}: ended with ${code}, ${(at - loggedOut).toFixed(1)} ms after the logout was answered`);
        results.push(code === 'UNAUTHORIZED');
      }
      socket.close();
    }
    return results.every(Boolean);
  } finally {
    await Promise.all([first.stop(), second.stop()]);
  }
}
