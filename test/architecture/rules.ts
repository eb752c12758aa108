import { type Import, importsOf, targetOf } from './imports.js';

/** The imports that are allowed in the files of one part of `src`. Paths are from `src`. */
interface Rule {
  readonly part: RegExp;
  /** Own files that may be imported. `$1` is the match of the first group of `part`. */
  readonly files: readonly string[];
  /** Own files of which only types may be imported. */
  readonly fileTypes?: readonly string[];
  /** Packages that may be imported, with their subpaths. */
  readonly packages?: readonly string[];
  /** Packages of which only types may be imported. */
  readonly packageTypes?: readonly string[];
}

/** The words of the core, and the ports of its surroundings: the lowest floor. */
const PORTS = ['duration', 'error', 'events', 'logger', 'options', 'safe-cause', 'store', 'types'].map(
  (name) => `core/${name}.ts`,
);
/** The floors of the core, from the bottom up. Each may import itself and those below it. */
const FLOORS = ['core/data/', 'core/record/', 'core/kernel/', 'core/session/'];
/** Helpers of the core without state or decisions, which stores may call. */
const CORE_HELPERS = [
  'core/error.ts',
  'core/data/json.ts',
  'core/record/deadline.ts',
  'core/record/limited-insert.ts',
  'core/record/token.ts',
  'core/duration.ts',
  'core/logger.ts',
  'core/options.ts',
];
const CORE_PACKAGES = { packages: ['node:crypto', 'uuid'], packageTypes: ['@standard-schema/spec'] };

/**
 * core <- stores, core <- http <- adapters; `legacy` beside them. The first rule that fits a file
 * applies.
 */
const RULES: readonly Rule[] = [
  ...FLOORS.map((floor, index) => ({
    part: new RegExp(`^${floor}`),
    files: [...PORTS, ...FLOORS.slice(0, index + 1)],
    ...CORE_PACKAGES,
  })),
  { part: /^core\//, files: PORTS },
  {
    part: /^stores\//,
    files: ['stores/', ...CORE_HELPERS],
    fileTypes: ['core/', 'legacy/'],
    packages: ['node:crypto'],
  },
  { part: /^legacy\//, files: ['core/', 'legacy/'], fileTypes: ['http/'] },
  {
    part: /^http\//,
    files: ['core/', 'http/', 'version.ts'],
    fileTypes: ['legacy/'],
    packages: ['node:crypto', 'cookie'],
    packageTypes: ['@standard-schema/spec'],
  },
  { part: /^adapters\/(trpc)\//, files: ['core/', 'http/', 'adapters/$1/'], packages: ['@trpc/server'] },
  { part: /^graphql\//, files: ['core/', 'http/', 'graphql/'], packages: ['graphql'] },
  {
    part: /^adapters\/(yoga)\//,
    files: ['core/', 'http/', 'graphql/', 'adapters/$1/'],
    packageTypes: ['graphql', 'graphql-yoga', '@envelop/core'],
  },
  {
    part: /^adapters\/(apollo)\//,
    files: ['core/', 'http/', 'graphql/', 'adapters/$1/'],
    packageTypes: ['@apollo/server', 'graphql'],
  },
  { part: /^adapters\/(hono)\//, files: ['core/', 'http/', 'adapters/$1/'], packageTypes: ['hono'] },
  { part: /^adapters\/(fastify)\//, files: ['core/', 'http/', 'adapters/$1/'], packageTypes: ['fastify'] },
  { part: /^adapters\/(next)\//, files: ['core/', 'http/', 'adapters/$1/'], packages: ['next', 'cookie'] },
  { part: /^adapters\/(\w+)\//, files: ['core/', 'http/', 'adapters/$1/'] },
  { part: /^client\//, files: ['client/'] },
  {
    part: /^testing\//,
    files: ['testing/', 'core/', 'http/', 'index.ts', 'create-sessions.ts'],
    packages: ['fast-check'],
  },
  {
    part: /^create-sessions\.ts$/,
    files: ['core/', 'http/', 'legacy/', 'stores/'],
    packageTypes: ['@standard-schema/spec'],
  },
  { part: /^index\.ts$/, files: ['core/', 'http/', 'stores/', 'create-sessions.ts'], fileTypes: ['legacy/'] },
  { part: /^version\.ts$/, files: [] },
];

/** One line for each import in `files` (path from `src` → text) in a forbidden direction. */
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
  return allowed.some((path) => (path.endsWith('/') ? target.startsWith(path) : target === path));
}

/** The circles of files that import each other's values, each as the path that leads back. */
export function circles(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) found.push([...path.slice(path.indexOf(file)), file].join(' > '));
    if (done.has(file) || path.includes(file)) return;
    for (const { specifier, typeOnly } of importsOf(files.get(file) ?? '')) {
      const target = typeOnly ? undefined : targetOf(file, specifier);
      if (target !== undefined) visit(target, [...path, file]);
    }
    done.add(file);
  };
  for (const file of files.keys()) visit(file, []);
  return found;
}
