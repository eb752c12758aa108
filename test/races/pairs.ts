import type { Racer } from './processes.js';
import type { Answer, Doing } from './types.js';

/**
 * The faults in some rounds of a race. `met` is the number of rounds in which the two visibly met.
 */
export interface Findings {
  rounds: number;
  wrong: number;
  met: number;
  /** The outcomes of the acts, by their codes. */
  readonly outcomes: Map<string, number>;
}

/** Two acts on one session by two processes, and the forbidden outcomes. */
export interface Pair {
  readonly name: string;
  readonly doings: readonly [Doing, Doing];
  /** How many of these rounds came out wrong. `read` is another process. */
  judge(round: Round): Promise<number>;
}

export interface Round {
  readonly tokens: readonly string[];
  readonly answers: readonly [readonly Answer[], readonly Answer[]];
  readonly reader: Racer;
}

const pick = async (reader: Racer, tokens: readonly string[]) => reader.read(tokens);

/** No act revives an ended session. */
async function survivors({ tokens, reader }: Round): Promise<number> {
  return (await pick(reader, tokens)).filter((data) => data !== null).length;
}

export const PAIRS: readonly Pair[] = [
  { name: 'save / destroy', doings: ['save a', 'destroy'], judge: survivors },
  { name: 'update / destroy', doings: ['update', 'destroy'], judge: survivors },
  { name: 'touch / destroy', doings: ['touch', 'destroy'], judge: survivors },
  { name: 'rotate / destroy', doings: ['rotate', 'destroy'], judge: survivors },
  {
    name: 'save / save of different fields',
    doings: ['save a', 'save b'],
    judge: async ({ tokens, reader, answers: [first, second] }) => {
      const read = await pick(reader, tokens);
      return read.filter(
        (data, i) => data?.a !== (first[i]?.ok ? 1 : undefined) || data?.b !== (second[i]?.ok ? 1 : undefined),
      ).length;
    },
  },
  {
    name: 'update / update of a counter',
    doings: ['update', 'update'],
    judge: async ({ tokens, reader, answers: [first, second] }) => {
      const read = await pick(reader, tokens);
      return read.filter((data, i) => data?.count !== Number(first[i]?.ok) + Number(second[i]?.ok)).length;
    },
  },
  { name: 'rotate / rotate', doings: ['rotate', 'rotate'], judge: lineages },
  {
    name: 'create and use / destroy the account',
    doings: ['create and use', 'destroy the account'],
    judge: async ({ reader, answers: [created, destroyed] }) => {
      const read = await pick(
        reader,
        created.map(({ token }) => token ?? ''),
      );
      // A session that was issued before the account ended must end with it.
      return read.filter((data, i) => data !== null && (created[i]?.to ?? 0) < (destroyed[i]?.from ?? 0)).length;
    },
  },
];

/**
 * Both rotations are answered with the same new token, which is valid; the old one works until
 * that is used.
 */
async function lineages({ tokens, reader, answers: [first, second] }: Round): Promise<number> {
  const works = async (of: readonly string[]) => (await pick(reader, of)).map((data) => data !== null);
  const old = await works(tokens);
  const made = await works(first.map(({ token }) => token ?? ''));
  return tokens.filter((_, i) => !old[i] || !made[i] || first[i]?.token !== second[i]?.token).length;
}
