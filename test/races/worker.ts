import { createSessions, isSessionError, type Session, type SessionContext, type Sessions } from '../../src/index.js';
import { openRival } from './rival.js';
import { openStore } from './stores.js';
import type { Answer, Data, Doing, Order, StoreConfig } from './types.js';

/*
 * One process of several on one store. Its orders are to load sessions, and then to act on all of
 * them. So its loads come before the writes of the others, and its writes among them.
 */

/** The orders that a worker follows. */
export interface Contender {
  create(count: number): Promise<string[]>;
  load(tokens: readonly string[]): Promise<void>;
  act(doing: Doing): Promise<Answer[]>;
  read(tokens: readonly string[]): Promise<(Data | null)[]>;
  close(): Promise<void>;
}

/** Milliseconds on a clock that all processes of the machine share. */
const monotonic = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;

class Ours implements Contender {
  readonly #sessions: Sessions<Data>;
  readonly #close: () => Promise<void>;
  #loaded: SessionContext<Data>[] = [];
  #conflicts = 0;

  constructor(sessions: Sessions<Data>, close: () => Promise<void>) {
    this.#sessions = sessions;
    this.#close = close;
    sessions.on('conflict', () => {
      this.#conflicts += 1;
    });
  }

  async create(count: number): Promise<string[]> {
    const made = await Promise.all(Array.from({ length: count }, (_, index) => this.#sessions.create(fresh(index))));
    return made.map(({ token }) => token);
  }

  async load(tokens: readonly string[]): Promise<void> {
    this.#loaded = await Promise.all(tokens.map((token) => this.#sessions.fromToken(token)));
  }

  async act(doing: Doing): Promise<Answer[]> {
    this.#conflicts = 0;
    const answers = await Promise.all(
      this.#loaded.map((context, index) => this.#answer(() => this.#do(doing, context, index))),
    );
    const [first] = answers;
    if (first) answers[0] = { ...first, conflicts: this.#conflicts };
    return answers;
  }

  async read(tokens: readonly string[]): Promise<(Data | null)[]> {
    const contexts = await Promise.all(tokens.map((token) => this.#sessions.fromToken(token)));
    return contexts.map(({ session }) => session?.data ?? null);
  }

  close(): Promise<void> {
    return this.#close();
  }

  async #answer(run: () => Promise<string | undefined>): Promise<Answer> {
    const from = monotonic();
    try {
      const token = await run();
      return { ok: true, token, from, to: monotonic() };
    } catch (error) {
      return { ok: false, code: isSessionError(error) ? error.code : String(error), from, to: monotonic() };
    }
  }

  async #do(doing: Doing, { session, sessions }: SessionContext<Data>, index: number): Promise<string | undefined> {
    switch (doing) {
      case 'save a':
      case 'save b':
        return save(present(session), doing === 'save a' ? 'a' : 'b');
      case 'update':
        await present(session).update((data) => {
          data.count += 1;
        });
        return undefined;
      case 'touch':
        return void (await present(session).touch());
      case 'rotate':
        return present(session).rotate();
      case 'destroy':
        return void (await present(session).destroy());
      case 'create and use': {
        const { token } = await sessions.create(fresh(index));
        return (await this.#sessions.fromToken(token)).session ? token : undefined;
      }
      case 'destroy the account':
        return void (await this.#sessions.destroyFor(`owner ${index}`));
    }
  }
}

function present(session: Session<Data> | null): Session<Data> {
  if (session) return session;
  throw new Error('the session that was to be loaded is not there');
}

async function save(session: Session<Data>, field: 'a' | 'b'): Promise<undefined> {
  session.data[field] = 1;
  await session.save();
}

function fresh(index: number): Data {
  return { owner: `owner ${index}`, count: 0 };
}

async function open(config: StoreConfig): Promise<Contender> {
  if (config.kind === 'express-session') return openRival(config);
  const { store, close } = await openStore(config);
  return new Ours(createSessions<Data>({ store, ownerOf: (data) => data.owner, touchInterval: 0 }), close);
}

let contender: Contender | undefined;

async function obey(order: Order): Promise<unknown> {
  if (order.do === 'open') {
    contender = await open(order.config);
    return true;
  }
  if (!contender) throw new Error('the worker has not been opened');
  switch (order.do) {
    case 'create':
      return contender.create(order.count);
    case 'load':
      return contender.load(order.tokens);
    case 'act':
      return contender.act(order.doing);
    case 'read':
      return contender.read(order.tokens);
    case 'close':
      return contender.close();
  }
}

process.on('message', (order: Order) => {
  obey(order).then(
    (result) => process.send?.({ result }),
    (error: unknown) =>
      process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
