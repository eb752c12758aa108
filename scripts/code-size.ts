import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript5';
import { ROOT } from './packed.js';

/*
 * `npm run code-size` lists files over 300 lines and functions over 60. A longer one is accepted
 * if a comment says why it is "in one function" or "in one file". For a file, the comment comes
 * first.
 */

const LONGEST_FILE = 300;
const LONGEST_FUNCTION = 60;

/** The parts of a file that are too long, as `path:line: …`. */
export function tooLong(path: string, text: string): string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line + 1;
  const found: string[] = [];
  const lines = lineOf(text.trimEnd().length);
  const opening = text.slice(0, source.statements[0]?.getStart() ?? 0);
  if (lines > LONGEST_FILE && !opening.includes('in one file')) found.push(`${path}:1: a file of ${lines} lines`);
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && !isSuite(node)) {
      const [first, last] = [lineOf(node.getStart()), lineOf(node.end)];
      const length = last - first + 1;
      if (length > LONGEST_FUNCTION && !node.getFullText().includes('in one function'))
        found.push(`${path}:${first}: a function of ${length} lines`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Whether a function only lists tests, as its name or the function that it is given to shows. */
function isSuite(node: ts.SignatureDeclaration): boolean {
  if (ts.isFunctionDeclaration(node)) return /^describe|Tests$/.test(node.name?.text ?? '');
  return ts.isCallExpression(node.parent) && /^describe/.test(node.parent.expression.getText());
}

/** The code that Git tracks or is about to. */
export function sourcePaths(): string[] {
  const list = ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts', '*.tsx', '*.js', '*.mjs', '*.cjs'];
  return execFileSync('git', list, { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const found = sourcePaths().flatMap((path) => tooLong(path, readFileSync(join(ROOT, path), 'utf8')));
  for (const each of found) console.error(each);
  if (found.length > 0) process.exitCode = 1;
}
