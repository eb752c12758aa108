import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/*
 * Checks commit messages: Conventional Commits, with a subject of at most 72 characters.
 *
 *   npm run commits -- main..HEAD      each commit of the range that is not a merge
 *   npm run commits -- --file PATH     one message: what the hook .githooks/commit-msg does
 */

export const TYPES = [
  'feat',
  'fix',
  'perf',
  'refactor',
  'docs',
  'test',
  'bench',
  'build',
  'ci',
  'chore',
  'style',
  'revert',
];
export const LONGEST_SUBJECT = 72;

const SUBJECT = /^(?<type>[a-z]+)(?:\([a-z0-9-]+(?:, ?[a-z0-9-]+)*\))?!?: (?<text>\S.*)$/;

/** The faults of a message, in words that say what to do. Empty for a good one. */
export function problemsOf(message: string): string[] {
  const [subject = '', second = ''] = linesOf(message);
  const problems: string[] = [];
  const { type, text = '' } = SUBJECT.exec(subject)?.groups ?? {};
  if (type === undefined) problems.push('the subject must be "type: text" or "type(scope): text"');
  else if (!TYPES.includes(type)) problems.push(`"${type}" is not one of the types ${TYPES.join(', ')}`);
  if (subject.length > LONGEST_SUBJECT)
    problems.push(`the subject has ${subject.length} characters; at most ${LONGEST_SUBJECT} are allowed`);
  if (text.endsWith('.')) problems.push('the subject must not end with a full stop');
  if (second !== '') problems.push('an empty line must separate the subject from the body');
  return problems;
}

/** The message without the comments that Git puts into the editor. */
function linesOf(message: string): string[] {
  const [kept = ''] = message.split(/^# -+ >8 -+$/m);
  return kept
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.trimEnd());
}

interface Commit {
  readonly name: string;
  readonly message: string;
}

function commitsOf(range: string): Commit[] {
  const log = execFileSync('git', ['log', '--no-merges', '-z', '--format=%h%n%B', range], { encoding: 'utf8' });
  return log
    .split('\0')
    .filter((entry) => entry !== '')
    .map((entry) => ({ name: entry.slice(0, entry.indexOf('\n')), message: entry.slice(entry.indexOf('\n') + 1) }));
}

function commitsToCheck([option, path]: readonly string[]): Commit[] {
  if (option === '--file' && path !== undefined) return [{ name: 'the message', message: readFileSync(path, 'utf8') }];
  if (option === undefined || option.startsWith('-'))
    throw new Error('usage: npm run commits -- RANGE, or --file PATH');
  return commitsOf(option);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const commits = commitsToCheck(process.argv.slice(2));
  for (const { name, message } of commits) {
    for (const problem of problemsOf(message)) {
      console.error(`${name}: ${problem}\n  ${linesOf(message)[0]}`);
      process.exitCode = 1;
    }
  }
  console.log(`checked ${commits.length === 1 ? 'one message' : `${commits.length} messages`}`);
}
