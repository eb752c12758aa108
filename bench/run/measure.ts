import { orderOf } from './stats.ts';

/** One way of doing the same thing, ready to be measured. */
export interface Contestant {
  readonly name: string;
  /** Serves the request with this number, from 0 on. Rejects when the answer is not the right one. */
  run(request: number): Promise<void>;
  /** CPU time that was spent so far, in µs, where it is another process that serves. Default: of this process. */
  cpu?(): Promise<number>;
}

/** What one request took, in µs, in each round. */
export interface Timings {
  readonly cpu: number[];
  readonly wall: number[];
}

export interface MeasureOptions {
  readonly rounds: number;
  /** Requests of each contestant in a round. */
  readonly requests: number;
  /** How many are under way at a time. */
  readonly concurrency: number;
}

/**
 * Measures the contestants in turns, round by round. Memory is not cleared in between: the collector would have to find its
 * pace anew each time, which made everything twice as dear.
 */
export async function measure(contestants: readonly Contestant[], options: MeasureOptions): Promise<Map<string, Timings>> {
  const timings = new Map<string, Timings>(contestants.map(({ name }) => [name, { cpu: [], wall: [] }]));
  // Two rounds that are not counted: the compiler has to see all of it.
  for (let round = -2; round < options.rounds; round += 1) {
    for (const contestant of orderOf(contestants, round + 2)) {
      const taken = await measureRound(contestant, options);
      if (round < 0) continue;
      timings.get(contestant.name)?.cpu.push(taken.cpu);
      timings.get(contestant.name)?.wall.push(taken.wall);
    }
  }
  return timings;
}

/** µs of CPU and of time for one request. */
export async function measureRound(
  contestant: Contestant,
  { requests, concurrency }: Pick<MeasureOptions, 'requests' | 'concurrency'>,
): Promise<{ cpu: number; wall: number }> {
  const cpuBefore = await cpuOf(contestant);
  const before = performance.now();
  await serve(contestant, requests, concurrency);
  const wall = (performance.now() - before) * 1_000;
  return { cpu: ((await cpuOf(contestant)) - cpuBefore) / requests, wall: wall / requests };
}

/** Serves so many requests, a fixed number of them at a time. */
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

/** CPU time of this process, all its threads together, in µs. */
export function ownCpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
