/** The cells of the first table of a page that has this column, its head first. */
export function rowsOf(markdown: string, column: string): string[][] {
  const table = markdown.split(/\n\n/).find((block) => block.split('\n')[0]?.includes(`| ${column} |`)) ?? '';
  const lines = table.split('\n').filter((line) => line.startsWith('|') && !line.startsWith('| ---'));
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
