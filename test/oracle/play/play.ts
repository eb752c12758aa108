import { callsOf, INITIAL_USERS, isSocket, type Program, type Request } from '../program.js';
import { type Answer, clientOf, type Head, type RequestClient } from './client.js';
import { type Ending, inspect } from './inspect.js';
import { Round } from './round.js';
import { type Item, quiet, type Stage } from './stage.js';
import type { Theatre } from './theatre.js';

/** One call went on until its next step, or a request was sent. */
export interface Turn {
  /** The call; for a request that is sent, `send` and its name. */
  readonly who: string;
  readonly at: string;
  readonly items: readonly Item[];
}

export interface InitialSession {
  readonly id: string;
  readonly token: string;
  readonly user: number;
}

/** All that could be seen of a round. */
export interface Trace {
  readonly initial: readonly InitialSession[];
  readonly turns: readonly Turn[];
  /** Calls that stood still though nothing held them. */
  readonly stuck: readonly string[];
  readonly answers: ReadonlyMap<string, Answer>;
  /** The head of the response to each request, of HTTP. */
  readonly heads: readonly (Head | undefined)[];
  readonly ending: Ending;
  readonly userName: (user: number) => string;
}

/** The longest that the network may take, in ms: only a fault makes it last. */
const PATIENCE = 3_000;

let rounds = 0;

/** Runs a program against the library. */
export async function play(theatre: Theatre, program: Program): Promise<Trace> {
  rounds += 1;
  const round = new Round(program, `u${rounds}.`);
  theatre.round = round;
  const initial = await theatre.logIn(INITIAL_USERS[program.world]);
  round.stage.takeItems();
  const { port } = theatre;
  const clients = program.requests.map((request, index) => {
    const token = request.credential ? initial[request.credential.session]?.token : undefined;
    return clientOf(request, index, { port, token });
  });
  const playing = new Playing(program, round.stage, clients);
  try {
    await playing.run();
    const { turns, stuck } = playing;
    const answers = new Map<string, Answer>();
    for (const client of clients)
      for (const [who, answer] of client.answers) if (!stuck.includes(who)) answers.set(who, await answer);
    const heads = clients.map((client) => client.heads[0]);
    const ending = await inspect(theatre, round, initial, turns, heads);
    return { initial, turns, stuck, answers, heads, ending, userName: round.userName };
  } finally {
    round.stage.abandon();
    await Promise.all(clients.map((client) => client.close()));
  }
}

class Playing {
  readonly turns: Turn[] = [];
  readonly stuck: string[] = [];
  readonly #program: Program;
  readonly #stage: Stage;
  readonly #clients: readonly RequestClient[];
  /** The unsent part: the request, and of a socket the call. */
  readonly #unsent: { readonly name: string; readonly request: number; readonly call: number }[] = [];
  readonly #arrived = new Set<string>();
  readonly #passedOn = new Set<number>();
  readonly #answered = new Set<string>();

  constructor(program: Program, stage: Stage, clients: readonly RequestClient[]) {
    this.#program = program;
    this.#stage = stage;
    this.#clients = clients;
    for (const [index, request] of program.requests.entries()) {
      const { calls } = callsOf(request, index);
      if (isSocket(request))
        for (const [call, who] of calls.entries()) this.#unsent.push({ name: `send ${who}`, request: index, call });
      else this.#unsent.push({ name: `send r${index}`, request: index, call: 0 });
    }
  }

  async run(): Promise<void> {
    const { turns } = this.#program;
    for (let number = 0; this.stuck.length === 0; number += 1) {
      const names = [...this.#unsent.map(({ name }) => name), ...this.#stage.waiting].sort();
      if (names.length === 0) break;
      const who = names[(turns[number % turns.length] ?? 0) % names.length] ?? '';
      const at = this.#stage.isWaiting(who) ? this.#stage.proceed(who) : await this.#send(who);
      await this.#settle();
      this.turns.push({ who, at, items: this.#stage.takeItems() });
    }
    for (const who of this.#arrived) if (!this.#stage.hasEnded(who) && !this.stuck.includes(who)) this.stuck.push(who);
  }

  async #send(name: string): Promise<string> {
    const place = this.#unsent.findIndex((each) => each.name === name);
    const [sent] = this.#unsent.splice(place, 1);
    const request = sent && this.#program.requests[sent.request];
    if (!request) throw new Error(`${name} cannot be sent`);
    this.#clients[sent.request]?.send(sent.call);
    const { front, calls } = callsOf(request, sent.request);
    const coming = front !== undefined ? [front] : isSocket(request) ? calls.slice(sent.call, sent.call + 1) : calls;
    await this.#arrive(coming);
    return 'send';
  }

  async #arrive(coming: readonly string[]): Promise<void> {
    for (const who of coming) {
      this.#arrived.add(who);
      await this.#within(this.#stage.stands(who), who);
    }
  }

  /**
   * Waits for what follows without any other call: what runs comes to its next step, what is over
   * is answered.
   */
  async #settle(): Promise<void> {
    await quiet();
    for (const [index, request] of this.#program.requests.entries()) {
      const { front, calls } = callsOf(request, index);
      if (front !== undefined && !this.#stage.hasEnded(front)) continue;
      if (front !== undefined && this.#passesOn(request) && !this.#passedOn.has(index) && !this.#failed(front)) {
        this.#passedOn.add(index);
        await this.#arrive(calls);
      }
      await this.#rest(request, calls);
      await this.#awaitAnswers(request, index);
    }
  }

  #passesOn(request: Request): boolean {
    return request.kind !== 'express' && request.front?.end === 'ok';
  }

  #failed(front: string): boolean {
    return this.#stage.hasFailed(front);
  }

  /** A call of a batch may wait for its neighbours, any other comes to a step or to its end. */
  async #rest(request: Request, calls: readonly string[]): Promise<void> {
    if (request.kind === 'express' || request.link === 'batch') return;
    for (const who of calls) {
      if (this.#arrived.has(who)) await this.#until(() => this.#stage.rests(who), who);
    }
  }

  async #awaitAnswers(request: Request, index: number): Promise<void> {
    const { front, calls } = callsOf(request, index);
    const { answers } = this.#clients[index] ?? { answers: new Map<string, Promise<Answer>>() };
    const over = [...answers.keys()].filter((who) => this.#stage.hasEnded(who));
    const isOver =
      isSocket(request) || over.length === answers.size || (front !== undefined && !this.#passedOn.has(index));
    if (!isOver) return;
    for (const who of isSocket(request) ? over : answers.keys()) {
      const answer = answers.get(who);
      if (!answer || this.#answered.has(who)) continue;
      this.#answered.add(who);
      await this.#within(answer, who);
    }
    if (calls.length > 0 || front !== undefined) await quiet();
  }

  async #until(condition: () => boolean, who: string): Promise<void> {
    const end = Date.now() + PATIENCE;
    while (!condition()) {
      if (Date.now() > end) {
        this.stuck.push(who);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  async #within(promise: Promise<unknown>, who: string): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), PATIENCE);
    });
    if ((await Promise.race([promise, late])) === 'late') this.stuck.push(who);
    clearTimeout(timer);
  }
}
