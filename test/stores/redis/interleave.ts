import type { RedisClient } from '../../../src/stores/redis/index.js';
import type { openNodeRedis } from './clients.js';

type NodeRedis = Awaited<ReturnType<typeof openNodeRedis>>;

/** Called before each command. It may hold the command, or throw so that it is not sent. */
export type Hook = (command: readonly string[]) => Promise<void> | void;

/**
 * The client, with hooks around each command. If `after` throws, its error replaces the answer.
 */
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

/** One of several operations that race. It must use the given client. */
export type Racer<Result> = (client: RedisClient) => Promise<Result>;

export interface Race<Result> {
  /** The results of the operations, or their errors. */
  readonly results: readonly PromiseSettledResult<Result>[];
  /** The number of the operation that sent each command, in order. */
  readonly order: readonly number[];
  /** Whether operation `a` had sent its last command before operation `b` had. */
  doneBefore(a: number, b: number): boolean;
}

interface Contender {
  readonly number: number;
  /** Sends the waiting command. */
  proceed: (() => void) | undefined;
  finished: boolean;
}

/**
 * Runs operations against each other in every possible order of their commands. Each order calls
 * `round`, which passes the operations to `race`. Returns the number of orders.
 */
export async function everyOrder(
  client: NodeRedis,
  round: (race: Racers) => Promise<void>,
  atMost = 2_000,
): Promise<number> {
  let choices: { taken: number; of: number }[] = [];
  for (let rounds = 1; rounds <= atMost; rounds += 1) {
    const schedule = choices.map(({ taken }) => taken);
    choices = [];
    await round((...racers) => race(client, racers, schedule, choices));
    // For the next order, change the last choice that has another alternative.
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
      // Later work of a finished operation is not part of the race, and asking for the version
      // changes nothing.
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
    // Wait until the command is answered and the operation is at its next one. Only then another
    // goes on.
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
