import {
  createSessions,
  memoryStore,
  type RotateOptions,
  type Session,
  type SessionsOptions,
} from '../../../../src/index.js';

export interface Data {
  userId: string;
}

export const GRACE = 10_000;

export const MINUTE = 60_000;

export const HOUR = 3_600_000;

export const REPLACED = { code: 'TOKEN_REPLACED', status: 409 };

/** Processes that share a store and, up to their `skew`, a clock. */
export async function setUp(options: Partial<SessionsOptions<Data>> = {}) {
  const clock = { now: Date.UTC(2030, 0, 1) };
  const store = memoryStore({ now: () => clock.now });
  const events: string[] = [];
  function make(skew = 0) {
    const sessions = createSessions<Data>({ store, now: () => clock.now + skew, rotationGrace: GRACE, ...options });
    for (const name of ['rotated', 'reuse-detected', 'destroyed', 'conflict'] as const) {
      sessions.on(name, (event) => events.push('reason' in event ? `${name} ${event.reason}` : name));
    }
    return sessions;
  }
  const sessions = make();
  const { token, id } = await sessions.create({ userId: 'ann' });
  const use = async (text: string, by = sessions) => (await by.fromToken(text)).session;
  const call = async (text: string, by = sessions): Promise<Session<Data>> => {
    const session = await use(text, by);
    if (!session) throw new Error('the token opens no session');
    return session;
  };
  /** Rotates by this token, and uses the new one. */
  const replace = async (text: string, how: RotateOptions = {}) => {
    const next = await (await call(text)).rotate(how);
    await call(next);
    return next;
  };
  return { clock, sessions, store, make, events, token, id, use, call, replace };
}

export function bound(store: ReturnType<typeof memoryStore>) {
  return {
    insert: store.insert.bind(store),
    find: store.find.bind(store),
    replace: store.replace.bind(store),
    delete: store.delete.bind(store),
  };
}
