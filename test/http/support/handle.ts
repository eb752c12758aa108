import { createSessions, type SessionContext, type SessionsOptions } from '../../../src/index.js';
import { testClock } from '../../support/clock.js';
import { countingStore } from '../../support/counting-store.js';

export interface Data {
  userId: string;
  views?: number;
}

export type Context = SessionContext<Data>;

export function setUp(options: Partial<SessionsOptions<Data>> = {}) {
  const clock = testClock();
  const store = countingStore();
  const log: string[] = [];
  const logger = { warn: (line: string) => void log.push(line), error: (line: string) => void log.push(line) };
  const sessions = createSessions<Data>({ store, now: clock.now, logger, ...options });
  const views = async (token: string) => (await sessions.fromToken(token)).session?.data.views;
  return { clock, store, log, sessions, views };
}

export function requestOf(token?: string, init: RequestInit & { headers?: Record<string, string> } = {}): Request {
  const headers = { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...init.headers };
  return new Request('https://app.example/x', { ...init, headers });
}
