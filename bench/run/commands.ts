import { SESSIONS } from '../contestants/accounts.ts';
import { type Contestant, serve } from './measure.ts';

/** Commands that the store runs for one request, on average over two requests of each session. */
export async function commandsPerRequest(contestant: Contestant, count: () => Promise<number>): Promise<number> {
  const requests = 2 * SESSIONS;
  const before = await count();
  await serve(contestant, requests, 32);
  return ((await count()) - before) / requests;
}
