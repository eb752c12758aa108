import type { Session, Sessions } from '../../../src/index.js';
import { seeded } from '../chance.js';
import { type OpenStore, openStore } from '../stores.js';
import type { OwnStore } from '../types.js';
import { codeOf, Hand, monotonic } from './acts.js';
import { PARTS, type Seat, useAsNewcomer } from './players.js';
import { listen, sessionsByRule } from './rules.js';
import {
  type Act,
  type Answers,
  type Data,
  FIRST_CALL,
  type Login,
  type Message,
  type Order,
  type Part,
  type Rule,
  type Told,
  type Update,
  type Use,
} from './types.js';

/*
 * One process of several on one store, which follows orders about the sessions of an account: see
 * `Order`.
 */

const send = (message: Message): void => void process.send?.(message);

class Worker {
  readonly #opened: OpenStore;
  readonly #byRule: (rule: Rule) => Sessions<Data>;
  readonly #told: Told[] = [];
  #ahead = 0;
  #loaded: Omit<Seat, 'random' | 'publish'>[] = [];
  #random = seeded(0);
  /** The work that a newcomer has begun. */
  #begun: Promise<void>[] = [];

  constructor(opened: OpenStore) {
    this.#opened = opened;
    this.#byRule = sessionsByRule(opened.store, () => Date.now() + this.#ahead);
    for (const rule of ['plain', 'evict-oldest', 'deny', 'destroy on reuse'] as const)
      listen(this.#byRule(rule), this.#told);
  }

  obey(order: Exclude<Order, { readonly do: 'open' }>): Promise<Answers[Order['do']]> | Answers[Order['do']] {
    switch (order.do) {
      case 'set clock':
        this.#ahead = order.ahead;
        return null;
      case 'log in':
        return Promise.all(Array.from({ length: order.times }, () => this.#logIn(order.rule, order.owner)));
      case 'use':
        return Promise.all(order.tokens.map((token) => this.#use(order.rule, token)));
      case 'list':
        return this.#byRule('plain')
          .listFor(order.owner)
          .then((list) => list.map(({ id }) => id));
      case 'look up':
        return Promise.all(order.ids.map(async (id) => (await this.#byRule('plain').find(id)) !== null));
      case 'destroy':
        return Promise.all(order.ids.map((id) => this.#byRule('plain').destroy(id)));
      case 'tell':
        return this.#told.splice(0);
      case 'load':
        return this.#load(order.rule, order.tokens);
      case 'play':
        return this.#play(order.part, order.seed);
      case 'pass on':
        return this.#passOn(order.session, order.token);
      case 'finish':
        return Promise.all(this.#begun.splice(0)).then(() => this.#acts());
      case 'update':
        return this.#update(order.token, order.times, order.together);
      case 'count':
        return this.#byRule('plain')
          .fromToken(order.token)
          .then(({ session }) => session?.data.count ?? -1);
      case 'close':
        return this.#opened.close().then(() => null);
    }
  }

  async #logIn(rule: Rule, owner: string): Promise<Login> {
    const from = monotonic();
    try {
      const { token, id } = await this.#byRule(rule).create({ owner, count: 0 });
      return { token, id, from, to: monotonic() };
    } catch (error) {
      return { code: codeOf(error), from, to: monotonic() };
    }
  }

  async #use(rule: Rule, token: string): Promise<Use> {
    const hand = new Hand(this.#byRule(rule));
    await hand.use(token);
    const [act] = hand.acts;
    if (act?.kind === 'use') return act;
    throw new Error('a use was not noted');
  }

  async #load(rule: Rule, tokens: readonly string[]): Promise<null> {
    const sessions = this.#byRule(rule);
    this.#loaded = await Promise.all(
      tokens.map(async (old) => {
        const session = present((await sessions.fromToken(old)).session);
        return { hand: new Hand(sessions), old, loaded: { name: `${FIRST_CALL} ${process.pid}`, session } };
      }),
    );
    return null;
  }

  async #play(part: Part, seed: number): Promise<Act[][]> {
    this.#random = seeded(seed);
    if (part === 'newcomer') return [];
    const seats = this.#loaded.map((seat, session) => ({
      ...seat,
      random: this.#random,
      publish: (token: string) => send({ session, token }),
    }));
    await Promise.all(seats.map(PARTS[part]));
    return this.#acts();
  }

  #passOn(session: number, token: string): null {
    const seat = this.#loaded[session];
    if (seat) this.#begun.push(useAsNewcomer(seat.hand, token, this.#random));
    return null;
  }

  #acts(): Act[][] {
    return this.#loaded.map(({ hand }) => hand.acts);
  }

  async #update(token: string, times: number, together: boolean): Promise<Update[]> {
    const one = () => this.#updateOnce(token);
    if (together) return Promise.all(Array.from({ length: times }, one));
    const updates: Update[] = [];
    for (let time = 0; time < times; time += 1) updates.push(await one());
    return updates;
  }

  /** A request of its own, as it would come from a client. Each try runs the change. */
  async #updateOnce(token: string): Promise<Update> {
    let tries = 0;
    try {
      const { session } = await this.#byRule('plain').fromToken(token);
      await present(session).update((data) => {
        tries += 1;
        data.count += 1;
      });
      return { tries };
    } catch (error) {
      return { tries, code: codeOf(error) };
    }
  }
}

function present(session: Session<Data> | null): Session<Data> {
  if (session) return session;
  throw new Error('the session that was to be loaded is not there');
}

let worker: Worker | undefined;

async function open(config: OwnStore): Promise<null> {
  worker = new Worker(await openStore(config));
  return null;
}

async function obey(order: Order): Promise<unknown> {
  if (order.do === 'open') return open(order.config);
  if (worker) return worker.obey(order);
  throw new Error('the worker has not been opened');
}

process.on('message', ({ number, order }: { readonly number: number; readonly order: Order }) => {
  obey(order).then(
    (result) => send({ number, result }),
    (error: unknown) =>
      send({ number, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
