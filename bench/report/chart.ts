/**
 * One bar of the chart: µs of CPU for a request, and the part that is there without any session.
 */
export interface Bar {
  readonly name: string;
  readonly cpu: number;
  readonly bare: number;
  readonly ours: boolean;
}

const WIDTH = 900;
const ROW = 26;
const LABEL = 400;
const TOP = 56;

/**
 * Bars side by side in an SVG picture, for light and dark pages. The grey part of each bar is
 * there without any session.
 */
export function toSvg(
  title: string,
  groups: readonly { readonly name: string; readonly bars: readonly Bar[] }[],
): string {
  const longest = Math.max(...groups.flatMap(({ bars }) => bars.map(({ cpu }) => cpu)));
  const scale = (WIDTH - LABEL - 80) / longest;
  const parts: string[] = [];
  let y = TOP;
  for (const { name, bars } of groups) {
    parts.push(`<text x="16" y="${y + 16}" class="group">${escaped(name)}</text>`);
    y += ROW;
    for (const bar of bars) {
      parts.push(barAt(bar, y, scale));
      y += ROW;
    }
    y += ROW / 2;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img" aria-label="${escaped(title)}">
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-size: 16px; font-weight: 600 } .group { font-weight: 600 }
.bare { fill: #afb8c1 } .ours { fill: #1a7f37 } .peer { fill: #0969da }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 }
  .bare { fill: #484f58 } .ours { fill: #3fb950 } .peer { fill: #58a6ff } }
</style>
<text x="16" y="30" class="title">${escaped(title)}</text>
${parts.join('\n')}
</svg>
`;
}

function barAt({ name, cpu, bare, ours }: Bar, y: number, scale: number): string {
  const grey = Math.min(bare, cpu) * scale;
  const rest = Math.max(0, cpu - bare) * scale;
  return [
    `<text x="${LABEL - 12}" y="${y + 16}" text-anchor="end">${escaped(name)}</text>`,
    `<rect x="${LABEL}" y="${y + 3}" width="${grey.toFixed(1)}" height="18" class="bare"/>`,
    `<rect x="${(LABEL + grey).toFixed(1)}" y="${y + 3}" width="${rest.toFixed(1)}" height="18" class="${ours ? 'ours' : 'peer'}"/>`,
    `<text x="${(LABEL + grey + rest + 8).toFixed(1)}" y="${y + 16}">${Math.round(cpu)} µs</text>`,
  ].join('\n');
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
