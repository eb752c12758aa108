import { createSessions, header, memoryStore, type SessionStore, type SessionsOptions } from '../../src/index.js';
import { expressLegacy } from '../../src/stores/express-store/index.js';
import { callbackStore } from '../support/callback-store.js';

export interface Data {
  userId: string;
  views?: number;
}

export const TOKEN = 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7k';
export const DAY = 86_400_000;

/** Hooks between the library and its two stores, called before each call. */
export type Turn = (step: string) => Promise<void>;

/** Hooks around the calls to the old store. */
export interface Around {
  readonly read: <Result>(run: () => Promise<Result>) => Promise<Result>;
  readonly remove: <Result>(run: () => Promise<Result>) => Promise<Result>;
}

const EVENTS = [
  'created',
  'migrated',
  'rotated',
  'destroyed',
  'reuse-detected',
  'invalid-data',
  'store-error',
  'gone',
] as const;

const atOnce: Turn = async () => undefined;

/** An old store, a new one, and processes that share them. */
export function setUp() {
  const clock = { now: Date.UTC(2030, 0, 1) };
  const store = memoryStore({ now: () => clock.now });
  const old = callbackStore();
  const events: string[] = [];
  const logged: string[] = [];

  /** A process of the new application. `turn` is asked before each of its store calls. */
  function open(options: Partial<SessionsOptions<Data>> = {}, turn = atOnce) {
    const before =
      (step: string) =>
      <Result>(run: () => Promise<Result>) =>
        turn(step).then(run);
    return openOn(guarded(store, turn), { read: before('read old'), remove: before('remove old') }, options);
  }

  /** {@link open} on a given store, with hooks around each call to the old one. */
  function openOn(newStore: SessionStore, around: Around, options: Partial<SessionsOptions<Data>> = {}) {
    const legacy = expressLegacy(old);
    const log = (message: string) => void logged.push(message);
    const sessions = createSessions<Data>({
      store: newStore,
      now: () => clock.now,
      touchInterval: '10m',
      rotationGrace: '10s',
      logger: { warn: log, error: log },
      sources: [
        header('X-AUTH_TOKEN', {
          respond: true,
          legacy: {
            ...legacy,
            read: (key) => around.read(() => legacy.read(key)),
            remove: (key) => around.remove(() => legacy.remove(key)),
          },
        }),
      ],
      ...options,
    });
    for (const name of EVENTS) sessions.on(name, (event) => events.push(`${name} ${JSON.stringify(event)}`));
    return sessions;
  }

  /** The answer to a request with this token. */
  async function request(token: string, sessions = shared) {
    const { session, sessions: handle } = await sessions.fromHeaders({ 'x-auth_token': token });
    return { session, handle, offered: handle.responseHeaders.get('x-auth_token') };
  }

  function login(fields: object = { userId: 'ann', views: 2 }, token = TOKEN) {
    old.sessions.set(token, JSON.stringify(fields));
    return token;
  }

  const shared = open();
  return { clock, store, old, events, logged, open, openOn, request, login, sessions: shared };
}

/** The store, with a turn before each call that reads or writes one session. */
export function guarded(store: SessionStore & ReturnType<typeof memoryStore>, turn: Turn): SessionStore {
  return {
    insert: (record, ttl) => turn('insert').then(() => store.insert(record, ttl)),
    find: (id) => turn('find').then(() => store.find(id)),
    replace: (record, version, ttl) => turn('replace').then(() => store.replace(record, version, ttl)),
    delete: (id) => turn('delete').then(() => store.delete(id)),
    listByOwner: (ownerId) => store.listByOwner(ownerId),
    deleteByOwner: (ownerId, except) => store.deleteByOwner(ownerId, except),
    count: () => store.count(),
  };
}
