import { orderOf } from './stats.ts';

/** One contestant, ready to be measured. */
export interface Contestant {
  readonly name: string;
  /** Serves the request with this number, from 0 on. Rejects if the answer is wrong. */
  run(request: number): Promise<void>;
  /** The CPU time so far, in µs, if another process serves. Default: of this process. */
  cpu?(): Promise<number>;
}

/** How much is asked of a contestant in one round. */
export interface Load {
  readonly requests: number;
  /** How many requests run in parallel. */
  readonly concurrency: number;
}

/** µs for one request. */
export interface Cost {
  readonly cpu: number;
  readonly wall: number;
}

/** Anything whose requests can be measured, here or in another process. */
export interface Measurable {
  readonly name: string;
  measure(load: Load): Promise<Cost>;
}

/** The cost of one request, in µs, in each round. */
export interface Timings {
  readonly cpu: number[];
  readonly wall: number[];
}

/** The load of each contestant in a round, and how often. */
export interface MeasureOptions extends Load {
  readonly rounds: number;
}

/** Rounds that do not count, until the compiler has seen all of the code, as in a server. */
const WARM_UPS = 6;

/**
 * Measures the contestants in turns, round by round. Memory is not cleared in between. Otherwise
 * the garbage collector would have to find its pace again each time, which doubled the cost of
 * everything.
 */
export async function measure(
  contestants: readonly Measurable[],
  { rounds, ...load }: MeasureOptions,
): Promise<Map<string, Timings>> {
  const timings = new Map<string, Timings>(contestants.map(({ name }) => [name, { cpu: [], wall: [] }]));
  for (let round = -WARM_UPS; round < rounds; round += 1) {
    for (const contestant of orderOf(contestants, round + WARM_UPS)) {
      const taken = await contestant.measure(load);
      if (round < 0) continue;
      timings.get(contestant.name)?.cpu.push(taken.cpu);
      timings.get(contestant.name)?.wall.push(taken.wall);
    }
  }
  return timings;
}

/** A contestant that this process drives. */
export function driven(contestant: Contestant): Measurable {
  return { name: contestant.name, measure: (load) => measureRound(contestant, load) };
}

export async function measureRound(contestant: Contestant, { requests, concurrency }: Load): Promise<Cost> {
  const cpuBefore = await cpuOf(contestant);
  const before = performance.now();
  await serve(contestant, requests, concurrency);
  const wall = (performance.now() - before) * 1_000;
  return { cpu: ((await cpuOf(contestant)) - cpuBefore) / requests, wall: wall / requests };
}

/** Serves this many requests, with a fixed number in parallel. */
export async function serve(contestant: Contestant, requests: number, concurrency: number): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < requests) await contestant.run(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

async function cpuOf({ cpu }: Contestant): Promise<number> {
  return cpu ? cpu() : ownCpu();
}

/** The CPU time of all threads of this process, in µs. */
export function ownCpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
