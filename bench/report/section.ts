import type { Bar } from './chart.ts';
import { short, type Table, tableToMarkdown } from './table.ts';

/** A target of the design, and the measured value. */
export interface Check {
  readonly what: string;
  /** The target: the value should be at most this. */
  readonly reach: number;
  readonly seen: number;
}

/** The result of one part of the bench. */
export interface Section {
  readonly title: string;
  /** How it was measured, in a sentence or two. */
  readonly how: string;
  readonly checks: readonly Check[];
  readonly tables: readonly Table[];
  readonly bars?: readonly Bar[];
}

/** The whole report: first the targets, then each section. */
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
    rows: checks.map(({ what, reach, seen }) => [
      what,
      `≤ ${short(reach)}`,
      short(seen),
      seen <= reach ? 'reached' : 'not reached',
    ]),
  };
}
