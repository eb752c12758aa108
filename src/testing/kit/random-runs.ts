/** How often random tests run, and where they begin. */
export interface RandomOptions {
  readonly seed?: number;
  readonly runs?: number;
}

/** The parameters of a fast-check assertion. */
export function randomRuns({ seed, runs = 100 }: RandomOptions): { numRuns: number; seed?: number } {
  return { numRuns: runs, ...(seed !== undefined && { seed }) };
}
