import fc from 'fast-check';
import { programs } from './arbitrary.js';
import { judge } from './model/judge.js';
import type { Library } from './play/library.js';
import { play } from './play/play.js';
import { Theatre } from './play/theatre.js';
import type { Program } from './program.js';

/** A round in which the library did what the model does not allow. */
export interface Finding {
  /** The round, counted from 1. */
  readonly round: number;
  readonly seed: number;
  readonly complaint: string;
  readonly program: Program;
}

/** Plays rounds and compares each with the model. */
export class Oracle {
  readonly #library: Library;
  readonly #theatres = new Map<Program['world'], Theatre>();

  constructor(library: Library) {
    this.#library = library;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#theatres.values()].map((theatre) => theatre.close()));
  }

  /** Runs a program and answers what is wrong with what happened. */
  async complaintOf(program: Program): Promise<string | undefined> {
    const trace = await play(await this.#theatreFor(program), program);
    try {
      judge(program, trace);
      return undefined;
    } catch (error) {
      if (error instanceof Error && error.name === 'Complaint') return error.message;
      throw error;
    }
  }

  /**
   * Plays rounds, each from a seed of its own, until one is wrong. That one is made as small as it
   * can be.
   */
  async search(rounds: number, firstSeed: number, shrinks = true): Promise<Finding | undefined> {
    for (let round = 1; round <= rounds; round += 1) {
      const seed = firstSeed + round - 1;
      const found = await this.#check(seed, shrinks);
      if (found) return { round, seed, ...found };
    }
    return undefined;
  }

  async #theatreFor({ world }: Program): Promise<Theatre> {
    const known = this.#theatres.get(world);
    if (known) return known;
    const theatre = new Theatre(this.#library, world);
    this.#theatres.set(world, theatre);
    await theatre.open();
    return theatre;
  }

  async #check(seed: number, shrinks: boolean): Promise<Pick<Finding, 'complaint' | 'program'> | undefined> {
    let complaint = '';
    const property = fc.asyncProperty(programs, async (program) => {
      const found = await this.complaintOf(program);
      if (found !== undefined) complaint = found;
      return found === undefined;
    });
    const result = await fc.check(property, {
      seed,
      numRuns: 1,
      unbiased: true,
      endOnFailure: !shrinks,
      interruptAfterTimeLimit: 20_000,
    });
    const [program] = result.counterexample ?? [];
    if (!program) return undefined;
    return { program, complaint: complaint || String(result.errorInstance) };
  }
}
