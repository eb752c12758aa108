/** A figure of the design and what was seen of it. */
export interface Check {
  readonly what: string;
  /** The most that it should be. */
  readonly reach: number;
  readonly seen: number;
}

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** One bar of the chart: µs of CPU for a request, of which so many are there without any session. */
export interface Bar {
  readonly name: string;
  readonly cpu: number;
  readonly bare: number;
  readonly ours: boolean;
}

/** What one part of the bench has found. */
export interface Section {
  readonly title: string;
  /** How it was measured, in a sentence or two. */
  readonly how: string;
  readonly checks: readonly Check[];
  readonly tables: readonly Table[];
  readonly bars?: readonly Bar[];
}

/** A number with so many digits that three of them count. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 2));
}

/** A whole number with separators, as `1,000,000`. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
