import { createSessions, memoryStore, type SessionsOptions } from '../../../../src/index.js';
import { testClock } from '../../../support/clock.js';
import { faultyStore } from '../../../support/faulty-store.js';

export interface Data {
  user: string;
  views: number;
}

/** Short, because some calls here are never answered. */
export const TIMEOUT = 30;

export const UNAVAILABLE = { code: 'STORE_UNAVAILABLE' };

export const GONE = { code: 'SESSION_GONE' };

export async function setUp(options: Partial<SessionsOptions<Data>> = {}) {
  const clock = testClock();
  const inner = memoryStore({ now: clock.now });
  const store = faultyStore(inner);
  const common = { now: clock.now, touchInterval: '1m', ...options } as const;
  const sessions = createSessions<Data>({ ...common, store, storeTimeout: TIMEOUT });
  // Another process, whose connection works.
  const others = createSessions<Data>({ ...common, store: inner });
  const { token, id } = await sessions.create({ user: 'ada', views: 0 });
  const load = async (via = others) => (await via.fromToken(token)).session;
  const mine = await load(sessions);
  if (!mine) throw new Error('the session is gone');
  const errors: string[] = [];
  sessions.on('store-error', (event) => errors.push(event.id));
  return { clock, inner, store, sessions, others, token, id, load, mine, errors };
}

export const countUp = (data: Data) => {
  data.views += 1;
};
