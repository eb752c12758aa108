import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../scripts/packed.js';

/*
 * The names that pages must have, read from the sources that declare them.
 */

export const optionNames = [
  ...membersOf('src/core/kernel/settings.ts', 'CoreOptions'),
  ...membersOf('src/http/sessions.ts', 'HttpOptions'),
];

export const eventNames = membersOf('src/core/events.ts', 'SessionEvents');

export const errorCodes = readFileSync(join(ROOT, 'src/core/error.ts'), 'utf8').match(/(?<=\| ')[A-Z_]+(?=')/g) ?? [];

/** The names of an interface's members. */
export function membersOf(path: string, name: string): string[] {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const body = new RegExp(`interface ${name}\\b[^{]*\\{(.*?)^\\}`, 'ms').exec(text)?.[1] ?? '';
  return body.match(/(?<=^ {2}(?:readonly )?'?)[\w-]+(?='?\??(?::|\(|<))/gm) ?? [];
}
