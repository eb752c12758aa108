import type { RedisClient } from '../../../src/stores/redis/index.js';
import type { openNodeRedis } from './clients.js';

type NodeRedis = Awaited<ReturnType<typeof openNodeRedis>>;

/** Called before each command; may hold it, or throw so that it is not sent. */
export type Hook = (command: readonly string[]) => Promise<void> | void;

/** The client, with a hook before each command. `after`: once it was answered; what it throws takes the place of the answer. */
export function hooked(client: NodeRedis, before: Hook, after: Hook = () => undefined): RedisClient {
  return Object.assign(Object.create(client) as NodeRedis, {
    async sendCommand(command: string[], options?: object) {
      await before(command);
      const reply: unknown = await client.sendCommand(command, options);
      await after(command);
      return reply;
    },
  });
}

/** One of several operations that race. Works through the client that it is given. */
export type Racer<Result> = (client: RedisClient) => Promise<Result>;

export interface Race<Result> {
  /** What the operations resolved to, or what they rejected with. */
  readonly results: readonly PromiseSettledResult<Result>[];
  /** The number of the operation that sent each command, in order. */
  readonly order: readonly number[];
  /** Whether operation `a` had sent its last command before operation `b` had. */
  doneBefore(a: number, b: number): boolean;
}

interface Contender {
  readonly number: number;
  /** Sends the command that waits. */
  proceed: (() => void) | undefined;
  finished: boolean;
}

/**
 * Runs operations against each other in every order that their commands can have: `round` is called for each order anew, and gives the
 * operations to `race`. Answers how many orders there were.
 */
export async function everyOrder(client: NodeRedis, round: (race: Racers) => Promise<void>, atMost = 2_000): Promise<number> {
  let choices: { taken: number; of: number }[] = [];
  for (let rounds = 1; rounds <= atMost; rounds += 1) {
    const schedule = choices.map(({ taken }) => taken);
    choices = [];
    await round((...racers) => race(client, racers, schedule, choices));
    // The next order: the last choice that has another alternative takes it.
    while (choices.length > 0 && isLast(choices.at(-1))) choices.pop();
    const last = choices.at(-1);
    if (!last) return rounds;
    last.taken += 1;
  }
  throw new Error(`there are more than ${atMost} orders`);
}

export type Racers = <Result>(...racers: Racer<Result>[]) => Promise<Race<Result>>;

async function race<Result>(
  client: NodeRedis,
  racers: readonly Racer<Result>[],
  schedule: readonly number[],
  choices: { taken: number; of: number }[],
): Promise<Race<Result>> {
  const order: number[] = [];
  const contenders = racers.map((_, number): Contender => ({ number, proceed: undefined, finished: false }));
  let wake = () => {};
  const settled = racers.map(async (racer, number) => {
    const contender = contenders[number];
    if (!contender) throw new Error('unreachable');
    const gated = hooked(client, ([name]) => {
      // What an operation leaves behind for later is nobody's turn, and asking for the server's version changes nothing.
      if (contender.finished || name === 'info') return;
      return new Promise<void>((resolve) => {
        const waiting = contender.proceed;
        contender.proceed = () => {
          waiting?.();
          resolve();
        };
        wake();
      });
    });
    try {
      return await racer(gated);
    } finally {
      contender.finished = true;
      wake();
    }
  });
  while (contenders.some(({ finished }) => !finished)) {
    const waiting = contenders.filter((each) => each.proceed && !each.finished);
    if (waiting.length < contenders.filter(({ finished }) => !finished).length) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      continue;
    }
    const taken = schedule[choices.length] ?? 0;
    if (waiting.length > 1) choices.push({ taken, of: waiting.length });
    const next = waiting[waiting.length > 1 ? taken : 0];
    if (!next?.proceed) throw new Error('unreachable');
    order.push(next.number);
    const { proceed } = next;
    next.proceed = undefined;
    // The command is answered, and the operation stands before its next one, before anybody else goes on.
    const moved = new Promise<void>((resolve) => {
      wake = resolve;
    });
    proceed();
    await moved;
  }
  const results = await Promise.allSettled(settled);
  return { results, order, doneBefore: (a, b) => order.lastIndexOf(a) < order.lastIndexOf(b) };
}

function isLast(choice: { taken: number; of: number } | undefined): boolean {
  return choice !== undefined && choice.taken === choice.of - 1;
}
