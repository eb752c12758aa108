import { createSessions, memoryStore, type Sessions, type SessionsOptions } from '../../../../src/index.js';

export interface Data {
  userId: string;
  views?: number;
  theme?: string | undefined;
  cart?: string[];
}

/** Sessions on a store that counts its calls, with a clock that the test moves. */
export function setUp(options: Partial<SessionsOptions<Data>> = {}) {
  const clock = { now: 1_700_000_000_000 };
  const now = () => clock.now;
  const calls: string[] = [];
  const memory = memoryStore({ now });
  const store = new Proxy(memory, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        calls.push(String(name));
        return Reflect.apply(value, target, args);
      };
    },
  });
  const sessions = createSessions<Data>({ store, now, ...options });
  return { clock, calls, store: memory, sessions, sameStore: () => createSessions<Data>({ store, now, ...options }) };
}

export const open = async (sessions: Sessions<Data>, token: string) => {
  const { session } = await sessions.fromToken(token);
  if (!session) throw new Error('the token opens no session');
  return session;
};
