import { createSessions, memoryStore, type SessionsOptions } from '../../../../src/index.js';
import { testClock } from '../../../support/clock.js';
import { countingStore } from '../../../support/counting-store.js';
import { type Handlers, makeApp } from './app.js';
import { httpClient, type LinkName } from './clients.js';
import { overFetch, type Serve, type TrpcHost } from './hosts.js';

export interface Data {
  userId: string;
  a: number;
  b: number;
  c: number;
}

export const ANN: Data = { userId: 'ann', a: 0, b: 0, c: 0 };

interface BenchOptions {
  readonly serve?: Serve;
  readonly responseMeta?: boolean;
  readonly sessions?: SessionsOptions<Data>;
}

/** An application over a counting store, served and ready to be called. */
export async function openBench(
  handlers: Handlers<Data>,
  { serve = overFetch, responseMeta = true, sessions: options }: BenchOptions = {},
) {
  const clock = testClock();
  const memory = memoryStore({ now: clock.now });
  const store = countingStore(memory);
  const sessions = createSessions<Data>({ store, now: clock.now, ownerOf: (data) => data.userId, ...options });
  const app = makeApp(sessions, handlers);
  const host: TrpcHost = await serve(responseMeta ? app : { router: app.router, createContext: app.createContext });

  /** The token of a new session. Its store calls are not counted. */
  async function login(data: Data = ANN): Promise<string> {
    const { token } = await sessions.create(data);
    store.reset();
    return token;
  }

  const client = (link: LinkName, token?: string) => httpClient(link, { ...host, headers: bearerHeaders(token) });
  /** The data in the store, read without counting. */
  const uncounted = createSessions<Data>({ store: memory, now: clock.now });
  const stored = async (token: string): Promise<Data | undefined> => (await uncounted.fromToken(token)).session?.data;
  return { clock, store, sessions, app, host, login, client, stored };
}

export function bearerHeaders(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** A promise and its settle functions, for tests that decide the order. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}
