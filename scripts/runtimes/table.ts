import { SUITES } from '../../test/runtimes/suite/check.js';
import { RESOLUTIONS, RUNTIMES, TOOLS, TYPESCRIPTS } from './list.js';
import type { Outcome } from './suites.js';

/** The findings of one run. A string is a version; an absent one was not reached. */
export interface Report {
  readonly runtimes: ReadonlyMap<string, Outcome>;
  readonly tools: ReadonlyMap<string, string>;
  /** The versions of TypeScript, by `name resolution`. */
  readonly types: ReadonlyMap<string, string>;
}

const BEGIN = '<!-- tables: npm run runtimes -- --write -->';

/** Puts the tables of a run into the page, in the place of those of an earlier run. */
export function withTables(page: string, report: Report): string {
  const end = page.indexOf(BEGIN);
  if (end < 0) throw new Error(`docs/runtimes.md has no line ${BEGIN}`);
  return page.slice(0, end) + tablesOf(report);
}

export function tablesOf({ runtimes, tools, types }: Report): string {
  const suites = table(
    ['runtime', 'version', ...SUITES],
    RUNTIMES.map((name) => {
      const outcome = runtimes.get(name);
      return [name, outcome?.version ?? '–', ...SUITES.map((suite) => countOf(outcome, suite))];
    }),
  );
  const made = table(
    ['tool', 'version', 'what runs'],
    TOOLS.map(([name, what]) => [name, tools.get(name) ?? '–', what]),
  );
  const compiled = table(
    ['TypeScript', ...RESOLUTIONS.map((resolution) => `\`${resolution}\``)],
    TYPESCRIPTS.map((version) => [
      version,
      ...RESOLUTIONS.map((resolution) => types.get(`${version} ${resolution}`) ?? '–'),
    ]),
  );
  return [BEGIN, '## Runtimes', suites, '## Bundlers, CommonJS and Jest', made, '## TypeScript', compiled]
    .join('\n\n')
    .concat('\n');
}

/** How many checks passed; of how many, where some failed. */
function countOf(outcome: Outcome | undefined, suite: string): string {
  const results = outcome?.results.filter((result) => result.suite === suite) ?? [];
  const passed = results.filter(({ failure }) => failure === undefined).length;
  return passed === results.length ? String(passed) : `${passed} of ${results.length}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [head, head.map(() => '---'), ...rows].map(line).join('\n');
}
