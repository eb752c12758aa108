import type { Bar } from './chart.ts';
import { short, type Table, tableToMarkdown } from './table.ts';

/** A figure of the design and what was seen of it. */
export interface Check {
  readonly what: string;
  /** The most that it should be. */
  readonly reach: number;
  readonly seen: number;
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

/** The whole report: what was to be reached first, then each section. */
export function toMarkdown(heading: string, facts: readonly string[], sections: readonly Section[]): string {
  const checks = sections.flatMap((section) => section.checks);
  return [
    `# ${heading}`,
    facts.map((fact) => `- ${fact}`).join('\n'),
    '## Figures to reach',
    tableToMarkdown(checkTable(checks)),
    ...sections.flatMap((section) => [`## ${section.title}`, section.how, ...section.tables.map(tableToMarkdown)]),
    '',
  ].join('\n\n');
}

export function checkTable(checks: readonly Check[]): Table {
  return {
    columns: ['what', 'reach', 'seen', ''],
    rows: checks.map(({ what, reach, seen }) => [what, `≤ ${short(reach)}`, short(seen), seen <= reach ? 'reached' : 'not reached']),
  };
}
