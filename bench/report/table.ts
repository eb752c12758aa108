/** A table of texts. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function tableToMarkdown({ columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = columns.map((_, column) => (isNumeric(rows, column) ? '---:' : '---'));
  return [line(columns), line(rule), ...rows.map(line)].join('\n');
}

/** The table for a terminal. */
export function tableToText({ columns, rows }: Table): string {
  const widths = columns.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const right = columns.map((_, column) => isNumeric(rows, column));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (right[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ');
  return [columns, ...rows].map((cells) => line(cells).trimEnd()).join('\n');
}

/** Whether a column contains numbers, which are aligned to the right. */
function isNumeric(rows: Table['rows'], column: number): boolean {
  return rows.every((row) => /^(≤ )?[-\d.,]*$/.test(row[column] ?? ''));
}

/** A number with three significant digits. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 2));
}

/** A whole number with separators, as `1,000,000`. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
