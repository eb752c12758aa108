import type { Call, CallOptions } from '../../../../src/core/session/call.js';
import { hostOf } from '../../../../src/http/host.js';
import { createSessions, type Logger, type Session, type SessionsOptions } from '../../../../src/index.js';
import { testClock } from '../../../support/clock.js';
import { countingStore } from '../../../support/counting-store.js';

export interface Data {
  user: string;
  a?: number;
  b?: number;
  c?: number;
}

interface Options {
  readonly signedIn?: boolean;
  readonly socket?: boolean;
  readonly sessions?: SessionsOptions<Data>;
}

/** Longer than any test: a hold that never ends fails the test. */
export const LONG = 60_000;

/** A request of ann, or of an anonymous caller, as adapters open it. */
export async function openRequest({ signedIn = true, socket = false, sessions: options }: Options = {}) {
  const store = countingStore();
  const clock = testClock();
  const warnings: string[] = [];
  const events: string[] = [];
  const logger: Logger = { warn: (message) => void warnings.push(message), error: () => undefined };
  const sessions = createSessions<Data>({ store, logger, now: clock.now, ...options });
  for (const name of ['created', 'destroyed', 'gone'] as const)
    sessions.on(name, ({ id }) => events.push(`${name} ${id}`));
  const { token, id } = await sessions.create({ user: 'ann' });
  store.reset();
  events.length = 0;
  const opened = hostOf(sessions).open({
    key: undefined,
    headers: signedIn ? { authorization: `Bearer ${token}` } : {},
    persistent: socket,
    target: { kind: socket ? 'none' : 'collect' },
  });
  /** A call that has begun, whose outcome is reported. */
  const begin = async (more: Partial<CallOptions> = {}): Promise<Call> => {
    const call = opened.open({ hasOutcome: true, ...more });
    await call.load();
    return call;
  };
  /** The stored data of a session: by its id, or ann's. */
  const stored = async (of = id) => (await sessions.find(of))?.data;
  return { store, clock, sessions, opened, begin, stored, token, id, events, warnings };
}

/** The session of a call, for its user. */
export function sessionOf(call: Call): Session<Data> {
  const { current } = call.sessions;
  if (!current) throw new Error('the call has no session');
  return current as Session<Data>;
}

export const KEYS = ['a', 'b', 'c'] as const;

export const BOB: Data = { user: 'bob' };

export const CAROL: Data = { user: 'carol' };
