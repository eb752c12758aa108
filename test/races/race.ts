import { shuffled } from './chance.js';
import type { Findings, Pair } from './pairs.js';
import type { Racer } from './processes.js';
import type { Answer, StoreConfig } from './types.js';

/** The number of sessions raced for at once. */
const FIELD = 25;

/** The first to act once both have loaded: none, or the named one. */
export type Order = 'together' | 'first' | 'second';

/**
 * Races of the processes on one store: two act on the same sessions, in all combinations, and a
 * third one checks.
 */
export async function withStore<Result>(
  racers: readonly Racer[],
  config: StoreConfig,
  run: () => Promise<Result>,
): Promise<Result> {
  await Promise.all(racers.map((racer) => racer.open(config)));
  try {
    return await run();
  } finally {
    await Promise.all(racers.map((racer) => racer.close()));
  }
}

/**
 * This many rounds of one pair. The seed decides which operations race and, unless it is given, in
 * which order.
 */
export async function race(
  pair: Pair,
  racers: readonly Racer[],
  rounds: number,
  random: () => number,
  order?: Order,
): Promise<Findings> {
  const findings: Findings = { rounds: 0, wrong: 0, met: 0, outcomes: new Map() };
  while (findings.rounds < rounds) {
    const [one, other, reader] = shuffled(racers, random);
    if (!one || !other || !reader) throw new Error('a race takes three processes');
    const tokens = await reader.create(Math.min(FIELD, rounds - findings.rounds));
    // Both have loaded before either writes: each acts on data that the other is about to change.
    await Promise.all([one.load(tokens), other.load(tokens)]);
    const answers = await actIn(order ?? anyOrder(random), [
      () => one.act(pair.doings[0]),
      () => other.act(pair.doings[1]),
    ]);
    note(findings, answers);
    findings.wrong += await pair.judge({ tokens, answers, reader });
    findings.rounds += tokens.length;
  }
  return findings;
}

function anyOrder(random: () => number): Order {
  const at = random();
  return at < 0.5 ? 'together' : at < 0.75 ? 'first' : 'second';
}

async function actIn(
  order: Order,
  [one, other]: readonly [Act, Act],
): Promise<readonly [readonly Answer[], readonly Answer[]]> {
  if (order === 'together') return Promise.all([one(), other()]);
  if (order === 'first') return [await one(), await other()];
  const answers = await other();
  return [await one(), answers];
}

type Act = () => Promise<readonly Answer[]>;

function note(findings: Findings, answers: readonly (readonly Answer[])[]): void {
  for (const each of answers) {
    findings.met += each[0]?.conflicts ?? 0;
    for (const { ok, code } of each) {
      const outcome = ok ? 'ok' : (code ?? 'failed');
      findings.outcomes.set(outcome, (findings.outcomes.get(outcome) ?? 0) + 1);
      if (code === 'SESSION_GONE') findings.met += 1;
    }
  }
}

/** The findings of a store as lines of a Markdown table. */
export function tableOf(title: string, rows: readonly (readonly [string, Findings])[]): string {
  const head = `${title}\n\n| pair | rounds | wrong | writes that met | outcomes |\n| --- | --- | --- | --- | --- |`;
  const lines = rows.map(([name, { rounds, wrong, met, outcomes }]) => {
    const each = [...outcomes].map(([outcome, count]) => `${outcome} ${count}`).join(', ');
    return `| ${name} | ${rounds} | ${wrong} | ${met} | ${each} |`;
  });
  return [head, ...lines, ''].join('\n');
}
