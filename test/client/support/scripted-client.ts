import { createSessionClient, type SessionClientOptions } from '../../../src/client/index.js';
import { type Arrival, type Scripted, scripted } from './scripted.js';

export const API = 'https://api.example';

export type Answer = (arrival: Arrival, index: number) => Response | Promise<Response>;

/** A client in memory, with `answer` for its requests. */
export function clientOf(
  answer: Answer,
  options: SessionClientOptions = {},
): Scripted & { session: ReturnType<typeof createSessionClient> } {
  const server = scripted(answer);
  return {
    ...server,
    session: createSessionClient({ storage: 'memory', origins: [API], fetch: server.fetch, ...options }),
  };
}
