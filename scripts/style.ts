import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './packed.js';

/** The folders that keep the rules. */
const FOLDERS = ['src', 'test', 'model', 'bench', 'examples', 'scripts'];

/** The test of this check plants what it finds. */
const PLANTED = 'test/style/style.test.ts';

/** Comment lines must end before this column. */
const COMMENT_END = 100;
/** Code lines must end before this column. */
const CODE_END = 120;
/** Messages are searchable as one text, so a line with a long one may be longer. */
const LONG_TEXT = /['"`][^'"`]{60,}|`.{100,}/;

interface Phrase {
  readonly found: RegExp;
  readonly instead: string;
}

/** Phrases that are hard to read, with the remedy. Each must be rare in plain English. */
const PHRASES: readonly Phrase[] = [
  { found: /\b(?:told|tells?)\b/i, instead: 'say what is reported, shown or known' },
  { found: /\b(?:whom|somebody|nobody)\b/i, instead: 'name the code that acts' },
  {
    found: /\b(?:calls?|clients?|processes|process|requests?|servers?|stores?|tabs?) who\b/i,
    instead: 'say "that" for code',
  },
  { found: /(?<!would |may |not )\b(?:has|have) to\b/i, instead: 'say "must"' },
  { found: /(?:^|[.!?] )What [^?]*$/, instead: 'begin with the thing that acts' },
  { found: /\bwhat (?:is|are|has|have) (?:no|none|not)\b/i, instead: 'name the thing' },
  { found: /\b(?:dear|dearer|dearest)\b/i, instead: 'say "expensive"' },
  { found: /\banew\b/i, instead: 'say "again"' },
  { found: /\bas (?:much|many) of\b/i, instead: 'say "the part of … that"' },
  { found: /\bby itself\b/i, instead: 'say "on its own"' },
];

export interface Violation {
  readonly line: number;
  readonly problem: string;
}

/** Checks the lines of a TypeScript file. */
export function violationsIn(source: string): Violation[] {
  return source
    .split('\n')
    .flatMap((text, index) => problemsOf(text).map((problem) => ({ line: index + 1, problem })));
}

function problemsOf(text: string): string[] {
  const comment = commentIn(text);
  const words = comment ?? textsIn(text);
  const phrases = PHRASES.filter(({ found }) => found.test(words)).map(
    ({ found, instead }) => `"${found.exec(words)?.[0]}": ${instead}`,
  );
  if (comment !== undefined && text.length >= COMMENT_END) phrases.push(`a comment line of ${text.length} characters`);
  if (comment === undefined && text.length >= CODE_END && !LONG_TEXT.test(text))
    phrases.push(`a code line of ${text.length} characters`);
  return phrases;
}

/** The text of a line that holds only a comment. */
function commentIn(text: string): string | undefined {
  const match = /^\s*(?:\/\/|\/\*+|\*(?!\/)|\*\/)\s?(.*?)(?:\*\/)?$/.exec(text);
  return match?.[1]?.trim();
}

/**
 * The string literals of a line of code that have several words, and the comment at its end. They
 * include titles and messages.
 */
function textsIn(text: string): string {
  const strings = [...text.matchAll(/'([^']*)'|"([^"]*)"|`([^`]*)`/g)].map(
    ([, single, double, template]) => single ?? double ?? template,
  );
  const sentences = strings.filter((each) => each?.includes(' '));
  const ending = /(?:^|\s)\/\/ (.*)$/.exec(text)?.[1] ?? '';
  return [...sentences, ending].join(' | ');
}

function sourcesIn(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
    .map((name) => join(folder, name))
    .filter((path) => path !== PLANTED);
}

function main(): void {
  const files = FOLDERS.flatMap(sourcesIn);
  const found = files.flatMap((file) =>
    violationsIn(readFileSync(join(ROOT, file), 'utf8')).map((each) => ({ file, ...each })),
  );
  for (const { file, line, problem } of found) console.error(`${file}:${line}: ${problem}`);
  if (found.length > 0) process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
