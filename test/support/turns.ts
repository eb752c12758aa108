/**
 * Chooses among the waiting actors: returns a place in the list, or `undefined` to leave all
 * waiting.
 */
export type Choose = (waiting: readonly { readonly actor: number; readonly step: string }[]) => number | undefined;

/** One of several concurrent actors. Waits for `turn` before each step that others can see. */
export type Actor = (turn: (step: string) => Promise<void>) => Promise<void>;

interface Waiting {
  readonly actor: number;
  readonly step: string;
  readonly proceed: () => void;
}

/**
 * Runs the actors one step at a time: all wait, and one is chosen to continue. Returns the steps
 * in order. Actors that are never chosen again stay waiting, like a process that has died.
 */
export async function takeTurns(actors: readonly Actor[], choose: Choose): Promise<string[]> {
  const waiting: Waiting[] = [];
  const order: string[] = [];
  let moving = actors.length;
  let stopped: () => void = () => undefined;
  const stop = () => {
    moving -= 1;
    stopped();
  };
  const ends = actors.map((run, actor) =>
    run((step) => {
      return new Promise<void>((resolve) => {
        waiting.push({ actor, step, proceed: resolve });
        stop();
      });
    }).finally(stop),
  );
  const failures: unknown[] = [];
  for (const end of ends) end.catch((error: unknown) => failures.push(error));
  for (;;) {
    while (moving > 0) {
      await new Promise<void>((resolve) => {
        stopped = resolve;
      });
    }
    waiting.sort((a, b) => a.actor - b.actor);
    const chosen = waiting.length === 0 ? undefined : choose(waiting);
    const [next] = chosen === undefined ? [] : waiting.splice(chosen, 1);
    if (!next) break;
    order.push(`${next.actor} ${next.step}`);
    moving += 1;
    next.proceed();
  }
  if (failures.length > 0) throw failures[0];
  return order;
}

/**
 * Runs `run` once for each order of its choices, depth first, at most `atMost` times. Returns the
 * number of runs.
 */
export async function everyOrder(run: (choose: Choose) => Promise<void>, atMost: number): Promise<number> {
  const path: { taken: number; readonly of: number }[] = [];
  for (let runs = 1; ; runs += 1) {
    let depth = 0;
    await run((waiting) => {
      const at = path[depth] ?? { taken: 0, of: waiting.length };
      path[depth] = at;
      depth += 1;
      return at.taken;
    });
    path.length = depth;
    while (path.length > 0 && isLast(path.at(-1))) path.pop();
    const last = path.at(-1);
    if (!last || runs === atMost) return runs;
    last.taken += 1;
  }
}

function isLast(choice: { taken: number; readonly of: number } | undefined): boolean {
  return choice !== undefined && choice.taken + 1 >= choice.of;
}

/** Random choices that are the same for the same seed. */
export function byChance(seed: number): Choose {
  let state = seed;
  return (waiting) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return (state >>> 8) % waiting.length;
  };
}
