import { posix } from 'node:path';
import { type Import, importsOf, targetOf } from './imports.js';

/** What the files of one part of `src` may import. Paths are from `src`. */
interface Rule {
  readonly part: RegExp;
  /** Own files that may be imported, see {@link isIn}. `$1` is what the first group of `part` matched. */
  readonly files: readonly string[];
  /** Own files of which only types may be imported. */
  readonly fileTypes?: readonly string[];
  /** Packages that may be imported, with their subpaths. */
  readonly packages?: readonly string[];
  /** Packages of which only types may be imported. */
  readonly packageTypes?: readonly string[];
}

/** Helpers of the core without state or decisions, which stores may call. */
const CORE_HELPERS = [
  'core/error.ts',
  'core/data/json.ts',
  'core/record/deadline.ts',
  'core/record/token.ts',
  'core/duration.ts',
  'core/logger.ts',
];
const CORE_PACKAGES = { packages: ['node:crypto', 'uuid'], packageTypes: ['@standard-schema/spec'] };

/** The floors of the core, from the bottom up: each may import those below it. The words lie below all. */
const FLOORS = ['core/*', 'core/data/', 'core/record/', 'core/kernel/', 'core/session/'];

/** What adapters may know of the core: its words, and the calls that they open. */
const FOR_ADAPTERS = ['core/*', 'core/session/', 'http/', 'adapters/$1/'];

/** Sessions of other libraries: what sources and stores say of them are types alone. */
const LEGACY_TYPES = ['legacy/legacy-sessions.ts'];

/** The architecture, as DESIGN draws it: core <- stores, core <- http <- adapters. The first rule that fits a file holds. */
const RULES: readonly Rule[] = [
  ...FLOORS.map((floor, index) => ({ part: partOf(floor), files: FLOORS.slice(0, index + 1), ...CORE_PACKAGES })),
  {
    part: /^stores\/([\w-]+)\//,
    files: ['stores/$1/', 'stores/shared/', ...CORE_HELPERS],
    fileTypes: ['core/', ...LEGACY_TYPES],
    packages: ['node:crypto'],
  },
  {
    part: /^http\//,
    files: ['core/', 'http/', 'version.ts'],
    fileTypes: LEGACY_TYPES,
    packages: ['node:crypto', 'cookie'],
    packageTypes: ['@standard-schema/spec'],
  },
  { part: /^legacy\//, files: ['core/', 'legacy/'], fileTypes: ['http/token-source.ts'] },
  { part: /^adapters\/(trpc)\//, files: FOR_ADAPTERS, packages: ['@trpc/server'] },
  { part: /^adapters\/(yoga)\//, files: FOR_ADAPTERS, packages: ['graphql'], packageTypes: ['graphql-yoga', '@envelop/core'] },
  { part: /^adapters\/([\w-]+)\//, files: FOR_ADAPTERS },
  { part: /^client\//, files: ['client/'] },
  { part: /^testing\//, files: ['testing/', 'core/', 'index.ts', 'create-sessions.ts'], packages: ['fast-check'] },
  {
    part: /^create-sessions\.ts$/,
    files: ['core/', 'http/', 'legacy/', 'stores/memory/'],
    packageTypes: ['@standard-schema/spec'],
  },
  { part: /^index\.ts$/, files: ['core/', 'http/', 'stores/memory/', 'create-sessions.ts'], fileTypes: LEGACY_TYPES },
  { part: /^version\.ts$/, files: [] },
];

function partOf(floor: string): RegExp {
  return floor.endsWith('/*') ? new RegExp(`^${floor.slice(0, -1)}[\\w-]+\\.ts$`) : new RegExp(`^${floor}`);
}

/** One line for each import in `files` (path from `src` → text) that points in a direction it may not. */
export function violations(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([file, text]) => {
    const rule = RULES.find(({ part }) => part.test(file));
    if (!rule) return [`${file}: no rule says what it may import`];
    return importsOf(text)
      .filter((each) => !isAllowed(file, each, rule))
      .map((each) => `${file} may not import ${each.typeOnly ? 'types of ' : ''}${each.specifier}`);
  });
}

function isAllowed(file: string, { specifier, typeOnly }: Import, rule: Rule): boolean {
  const target = targetOf(file, specifier);
  if (target === undefined) {
    const packages = [...(rule.packages ?? []), ...(typeOnly ? (rule.packageTypes ?? []) : [])];
    return packages.some((name) => specifier === name || specifier.startsWith(`${name}/`));
  }
  const own = rule.part.exec(file)?.[1] ?? '';
  const allowed = [...rule.files, ...(typeOnly ? (rule.fileTypes ?? []) : [])].map((path) => path.replace('$1', own));
  return allowed.some((path) => isIn(target, path));
}

/** `folder/` names all below it, `folder/*` the files that lie in it, and anything else one file. */
function isIn(target: string, path: string): boolean {
  if (path.endsWith('/*')) return posix.dirname(target) === path.slice(0, -2);
  return path.endsWith('/') ? target.startsWith(path) : target === path;
}
