import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { simulate } from './spin.js';
import { TRACED } from './variants.js';

const SEEDS = 100;
const STEPS = 3_000;
const LONGEST = 150;

/**
 * A hash of the model, without regard to line endings. It shows which model the traces belong to.
 */
export function modelHash(): string {
  const text = readFileSync(new URL('rotation.pml', import.meta.url), 'utf8').replaceAll('\r', '');
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/**
 * Random runs of the model. As few runs as possible, but together they must show every outcome of
 * every event in every situation that {@link SEEDS} runs show.
 */
export async function makeTraces(): Promise<string> {
  const seen = new Set<string>();
  const traces: string[] = [];
  for (const flags of TRACED) {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const events = (await simulate(flags, seed, STEPS)).slice(0, LONGEST);
      const useful = lastNew(events, seen);
      if (useful > 0) traces.push([`trace ${flags.join(' ')} seed ${seed}`, ...events.slice(0, useful)].join('\n'));
    }
  }
  return `model ${modelHash()}\n${traces.join('\n')}\n`;
}

/** The number of events up to and including the last new one. */
function lastNew(events: readonly string[], seen: Set<string>): number {
  let last = 0;
  let before = '1 0 0 0 0 0';
  for (const [index, event] of events.entries()) {
    const [what = '', after = ''] = event.split(' > ');
    const kind = situation(what, before, after);
    if (!seen.has(kind)) last = index + 1;
    seen.add(kind);
    before = after;
  }
  return last;
}

/** An event and the record before and after it. Tokens are named by their roles in the session. */
function situation(event: string, before: string, after: string): string {
  const [current, pending, pendingKind, previous, previousKind, salt] = before.split(' ');
  const role = (token: string | undefined) => {
    if (token === '0' || token === undefined) return 'none';
    if (token === current) return 'current';
    if (token === pending) return 'pending';
    return token === previous ? 'previous' : 'other';
  };
  const [kind, , token, ...rest] = event.split(' ');
  const outcome = kind === 'rotate' ? [rest[0], rest[1], role(rest[2])] : rest;
  const [newCurrent, newPending, , newPrevious] = after.split(' ');
  const record = [pendingKind, previousKind, salt, role(newCurrent), role(newPending), role(newPrevious)];
  return [kind, role(token), ...outcome, ...record].join(' ');
}
