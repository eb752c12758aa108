import { SESSIONS } from '../contestants/accounts.ts';
import { type Contestant, serve } from './measure.ts';

/** The store commands for one request: the average over two requests of each session. */
export async function commandsPerRequest(contestant: Contestant, count: () => Promise<number>): Promise<number> {
  const requests = 2 * SESSIONS;
  const before = await count();
  await serve(contestant, requests, 32);
  return ((await count()) - before) / requests;
}
