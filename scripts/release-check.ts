import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import manifest from '../package.json' with { type: 'json' };
import { ROOT } from './packed.js';

/* `npm run release-check -- v1.2.3`: whether the tag is one that may be published. */

export interface Release {
  readonly version: string;
  readonly changelog: string;
  /** The files in `.changeset`. */
  readonly changesets: readonly string[];
}

/** The reasons why a tag must not be published, in words that say what to do. */
export function releaseProblems(tag: string, { version, changelog, changesets }: Release): string[] {
  const problems: string[] = [];
  if (tag !== `v${version}`) problems.push(`the tag ${tag} does not fit package.json: its version is ${version}`);
  if (!changelog.split('\n').includes(`## ${version}`))
    problems.push(`CHANGELOG.md must have a section "## ${version}"`);
  const pending = changesets.filter((name) => name.endsWith('.md') && name !== 'README.md');
  if (pending.length > 0) problems.push(`run npm run release-version first, for ${pending.join(', ')}`);
  return problems;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const problems = releaseProblems(process.argv[2] ?? '', {
    version: manifest.version,
    changelog: readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'),
    changesets: readdirSync(join(ROOT, '.changeset')),
  });
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}
