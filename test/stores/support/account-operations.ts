import { randomBytes } from 'node:crypto';
import {
  createSessions,
  type NewSession,
  type SessionContext,
  type SessionStore,
  type Sessions,
} from '../../../src/index.js';

interface Data {
  owner?: string;
}

/** Sessions on one store, with several policies, and a clock that can be moved. */
export interface World {
  readonly plain: Sessions<Data>;
  readonly evicting: Sessions<Data>;
  readonly denying: Sessions<Data>;
  readonly strict: Sessions<Data>;
  /** Moves the clock past the grace of a replaced token, and the minute after it. */
  passGrace(): void;
}

const MAX = 3;

export function worldOn(store: SessionStore): World {
  let ahead = 0;
  const open = (options: object) =>
    createSessions<Data>({ store, now: () => Date.now() + ahead, ownerOf: ({ owner }) => owner, ...options });
  return {
    plain: open({}),
    evicting: open({ maxPerOwner: { max: MAX, onLimit: 'evict-oldest' } }),
    denying: open({ maxPerOwner: { max: MAX, onLimit: 'deny' } }),
    strict: open({ onReuse: 'destroy' }),
    passGrace: () => {
      ahead += 70_001;
    },
  };
}

/**
 * The cost of an operation: the verbs of the store that it calls, and the number of database
 * commands.
 */
export interface Cost {
  readonly calls: readonly string[];
  readonly redis: number;
  readonly cluster?: number;
  /** A separate message announces a deletion. */
  readonly postgres?: number;
  readonly sqlite?: number;
}

export interface Operation extends Cost {
  readonly name: string;
  /** Prepares its own account, and resolves to the operation to measure. */
  prepare(world: World, owner: string): Promise<() => Promise<unknown>>;
}

type Ready = {
  readonly world: World;
  readonly owner: string;
  readonly token: string;
  readonly context: SessionContext<Data>;
};

/** An account with three sessions. A request has loaded one of them. */
const withThree =
  (run: (ready: Ready) => Promise<unknown>): Operation['prepare'] =>
  async (world, owner) => {
    const [first] = await logIns(world, owner, MAX);
    const token = first?.token ?? '';
    const context = await world.plain.fromToken(token);
    return () => run({ world, owner, token, context });
  };

/** A session with a rotated token; with `used`, the new one was used. */
const rotated =
  (
    used: boolean,
    run: (tokens: { readonly old: string; readonly made: string; readonly world: World }) => Promise<unknown>,
  ): Operation['prepare'] =>
  async (world, owner) => {
    const session = await world.plain.create({ owner });
    const old = session.token;
    const made = await session.rotate();
    if (used) await world.plain.fromToken(made);
    return () => run({ old, made, world });
  };

async function logIns(world: World, owner: string, times: number): Promise<NewSession<Data>[]> {
  const made: NewSession<Data>[] = [];
  for (let time = 0; time < times; time += 1) made.push(await world.plain.create({ owner }));
  return made;
}

async function idOfOther({ world, owner, context }: Ready): Promise<string> {
  const list = await world.plain.listFor(owner);
  return list.find(({ id }) => id !== context.session?.id)?.id ?? '';
}

/** Destroys a session that `find` has found before, so that only the end is measured. */
const destroying =
  (find: (ready: Ready) => Promise<string>, by: 'request' | 'server'): Operation['prepare'] =>
  async (world, owner) => {
    const [first] = await logIns(world, owner, MAX);
    const token = first?.token ?? '';
    const context = await world.plain.fromToken(token);
    const id = await find({ world, owner, token, context });
    return () => (by === 'server' ? world.plain.destroy(id) : context.sessions.destroy(id));
  };

const others = async ({ world }: Ready): Promise<string> =>
  (await world.plain.create({ owner: `other ${Math.random()}` })).id;

/**
 * All operations on the sessions of an account. Loading a request's session is measured
 * separately.
 */
export const OPERATIONS: readonly Operation[] = [
  {
    name: 'request without a token',
    prepare: async (world) => () => world.plain.fromToken(null),
    calls: [],
    redis: 0,
  },
  {
    name: 'request',
    prepare: withThree(({ world, token }) => world.plain.fromToken(token)),
    calls: ['find'],
    redis: 1,
  },
  {
    name: 'request, wrong secret',
    prepare: withThree(({ world, token }) => world.plain.fromToken(forged(token))),
    calls: ['find'],
    redis: 1,
  },
  { name: '`create`, no owner', prepare: async (world) => () => world.plain.create({}), calls: ['insert'], redis: 1 },
  {
    name: '`create`, owner',
    prepare: async (world, owner) => () => world.plain.create({ owner }),
    calls: ['insert'],
    redis: 2,
  },
  {
    name: '`create`, owner, below the limit',
    prepare: async (world, owner) => () => world.evicting.create({ owner }),
    calls: ['insertWithin'],
    redis: 2,
    postgres: 2,
    sqlite: 2,
  },
  {
    name: '`create` at the limit of 3, one evicted',
    prepare: withThree(({ world, owner }) => world.evicting.create({ owner })),
    calls: ['insertWithin'],
    redis: 4,
    postgres: 3,
    sqlite: 2,
  },
  {
    name: '`create` at the limit of 3, denied',
    prepare: withThree(({ world, owner }) => world.denying.create({ owner }).catch(() => undefined)),
    // The list shows whether a shorter limit has ended one of them.
    calls: ['insertWithin', 'listByOwner'],
    redis: 7,
    postgres: 3,
    cluster: 11,
    sqlite: 3,
  },
  {
    name: '`create` by a request with a session',
    prepare: withThree(({ owner, context }) => context.sessions.create({ owner })),
    calls: ['insert', 'delete'],
    redis: 4,
    postgres: 3,
  },
  {
    name: '`ctx.sessions.list()` of 3',
    prepare: withThree(({ context }) => context.sessions.list()),
    calls: ['listByOwner'],
    redis: 2,
    cluster: 4,
  },
  {
    name: '`ctx.sessions.destroy(id)`, another of the account',
    prepare: destroying(idOfOther, 'request'),
    calls: ['find', 'delete'],
    redis: 3,
    postgres: 3,
  },
  {
    name: "`ctx.sessions.destroy(id)`, another account's",
    prepare: destroying(others, 'request'),
    calls: ['find'],
    redis: 1,
  },
  {
    name: '`ctx.sessions.destroyOthers()`, 2 others',
    prepare: withThree(({ context }) => context.sessions.destroyOthers()),
    calls: ['deleteByOwner'],
    redis: 4,
    postgres: 2,
  },
  {
    name: '`session.destroy()`',
    prepare: withThree(async ({ context }) => context.session?.destroy()),
    calls: ['delete'],
    redis: 2,
    postgres: 2,
  },
  {
    name: '`sessions.find(id)`',
    prepare: withThree(({ world, context }) => world.plain.find(context.session?.id ?? '')),
    calls: ['find'],
    redis: 1,
  },
  {
    name: '`sessions.listFor(owner)`, 3',
    prepare: withThree(({ world, owner }) => world.plain.listFor(owner)),
    calls: ['listByOwner'],
    redis: 2,
    cluster: 4,
  },
  {
    name: '`sessions.destroy(id)`',
    prepare: destroying(idOfOther, 'server'),
    calls: ['delete'],
    redis: 2,
    postgres: 2,
  },
  {
    name: '`sessions.destroyFor(owner)`, 3',
    prepare: withThree(({ world, owner }) => world.plain.destroyFor(owner)),
    calls: ['deleteByOwner'],
    redis: 5,
    postgres: 2,
  },
  {
    name: '`rotate()`',
    prepare: withThree(async ({ context }) => context.session?.rotate()),
    calls: ['replace'],
    redis: 1,
  },
  {
    name: '`rotate({ immediate: true })`',
    prepare: withThree(async ({ context }) => context.session?.rotate({ immediate: true })),
    calls: ['replace'],
    redis: 1,
  },
  {
    name: 'first use of the new token',
    prepare: rotated(false, ({ made, world }) => world.plain.fromToken(made)),
    calls: ['find', 'replace'],
    redis: 2,
  },
  {
    name: 'next use of it',
    prepare: rotated(true, ({ made, world }) => world.plain.fromToken(made)),
    calls: ['find'],
    redis: 1,
  },
  {
    name: 'use of the old token within its grace',
    prepare: rotated(true, ({ old, world }) => world.plain.fromToken(old)),
    calls: ['find'],
    redis: 1,
  },
  {
    name: 'reuse after the grace, refused',
    prepare: rotated(true, ({ old, world }) => afterGrace(world, () => world.plain.fromToken(old))),
    calls: ['find'],
    redis: 1,
  },
  {
    name: 'reuse after the grace, which ends the session',
    prepare: rotated(true, ({ old, world }) => afterGrace(world, () => world.strict.fromToken(old))),
    calls: ['find', 'delete'],
    redis: 3,
    postgres: 3,
  },
];

function afterGrace<Result>(world: World, run: () => Promise<Result>): Promise<Result> {
  world.passGrace();
  return run();
}

function forged(token: string): string {
  return token.slice(0, token.indexOf('.') + 1) + randomBytes(32).toString('base64url');
}
