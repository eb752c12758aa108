import {
  cookie,
  createSessions,
  memoryStore,
  type SessionStore,
  type SessionsOptions,
} from '../../../../src/index.js';
import { testClock } from '../../../support/clock.js';
import { countingStore } from '../../../support/counting-store.js';
import type { Ask, Data, Start, Work } from './hosts.js';

export const GRACE = 10_000;
export const MINUTE = 60_000;
export const HOUR = 3_600_000;

interface BenchOptions {
  readonly work?: Work;
  readonly options?: Partial<SessionsOptions<Data>>;
  readonly wrap?: (store: SessionStore) => SessionStore;
}

/** A server whose clients hold their token in a cookie, and a session. */
export async function openBench(
  start: Start,
  { work = () => undefined, options, wrap = (store) => store }: BenchOptions = {},
) {
  const clock = testClock();
  const store = countingStore(memoryStore({ now: clock.now }));
  const events: string[] = [];
  const sessions = createSessions<Data>({
    store: wrap(store),
    now: clock.now,
    sources: [cookie('sid', { secure: false })],
    rotationGrace: GRACE,
    ...options,
  });
  for (const name of ['rotated', 'reuse-detected', 'destroyed'] as const) {
    sessions.on(name, (event) => events.push('reason' in event ? `${name} ${event.reason}` : name));
  }
  let seen: string | null | undefined;
  const ask = await start(sessions, (context) => {
    seen = context.session?.data.userId ?? null;
    return work(context);
  });
  const { token, id } = await sessions.create({ userId: 'ann' });
  store.reset();

  /**
   * Sends a request with this cookie. Resolves to the account it was served for, and its answer.
   */
  async function request(text: string, { headers, ...more }: Ask = {}) {
    seen = undefined;
    const response = await ask({ ...more, headers: { cookie: `sid=${text}`, ...headers } });
    const body = await response.text();
    const set = response.headers.getSetCookie().find((each) => each.startsWith('sid='));
    return {
      user: seen,
      status: response.status,
      set,
      body,
      token: set?.slice('sid='.length).split(';')[0],
      response,
    };
  }

  return { clock, store, sessions, events, token, id, request };
}
