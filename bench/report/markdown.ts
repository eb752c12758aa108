import type { Check, Section, Table } from './section.ts';
import { short } from './section.ts';

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

export function tableToMarkdown({ columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = columns.map((_, column) => (isNumeric(rows, column) ? '---:' : '---'));
  return [line(columns), line(rule), ...rows.map(line)].join('\n');
}

/** The same for a terminal. */
export function tableToText({ columns, rows }: Table): string {
  const widths = columns.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const right = columns.map((_, column) => isNumeric(rows, column));
  const line = (cells: readonly string[]) =>
    cells.map((cell, column) => (right[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ');
  return [columns, ...rows].map((cells) => line(cells).trimEnd()).join('\n');
}

/** Whether a column reads best with its digits below each other. */
function isNumeric(rows: Table['rows'], column: number): boolean {
  return rows.every((row) => /^(≤ )?[-\d.,]*$/.test(row[column] ?? ''));
}
