import type { Endings, Moments } from './types.js';

/**
 * The delay from the end of each session until its subscription's body or consumer learned of it,
 * in ms, in order. Earlier counts as 0.
 */
export function delaysOf(
  ended: Moments,
  told: readonly (readonly [id: string, at: number, ...rest: unknown[]])[],
): number[] {
  const moments = new Map(ended);
  return told.map(([id, at]) => Math.max(0, at - (moments.get(id) ?? Number.NaN))).sort((a, b) => a - b);
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** p50, p99 and the longest, as cells of a table. */
export function spread(sorted: readonly number[]): string[] {
  if (sorted.length === 0) return ['', '', ''];
  return [0.5, 0.99, 1].map((share) => percentile(sorted, share).toFixed(1));
}

export function table(
  title: string,
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  return [title, '', line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** The end that each subscription received, counted. */
export function tellings({ closed }: Pick<Endings, 'closed'>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [, , how] of closed) counts[how] = (counts[how] ?? 0) + 1;
  return counts;
}
