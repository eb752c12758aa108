import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript5';
import { beforeAll, describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { ROOT, withTempDir } from '../../scripts/packed.js';

/*
 * The reference has no undocumented name. It shows the doc comments of each subpath's exports,
 * read here as the compiler reads them. A member of a type that is written inline, such as
 * `{ readonly reason: string }`, is described by the member around it.
 */

const ENTRIES = Object.values(manifest.exports).flatMap((target) =>
  typeof target === 'string' ? [] : [join(ROOT, target.default.replace('./dist/', 'src/').replace(/\.js$/, '.ts'))],
);

/** Named like options, but what a host gives to the library. */
const GIVEN_BY_HOSTS = ['ContextOptions', 'ResponseMetaOptions'];

interface Name {
  readonly name: string;
  readonly symbol: ts.Symbol;
}

interface Reference {
  readonly checker: ts.TypeChecker;
  /** The exports of a file. */
  exportsOf(file: string): readonly Name[];
}

function referenceOf(files: readonly string[]): Reference {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.build.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const program = ts.createProgram(files, { ...options, noEmit: true, types: ['node'] });
  const checker = program.getTypeChecker();
  return {
    checker,
    exportsOf(file) {
      const source = program.getSourceFile(file);
      const module = source && checker.getSymbolAtLocation(source);
      if (!module) throw new Error(`${file} exports nothing`);
      return checker.getExportsOfModule(module).map((each) => ({ name: each.name, symbol: unaliased(checker, each) }));
    },
  };
}

function unaliased(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** The members that a reader sees below a type. Of inherited ones, those of this package. */
function membersOf(checker: ts.TypeChecker, { name, symbol }: Name): Name[] {
  if (!(symbol.flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.Class | ts.SymbolFlags.TypeAlias))) return [];
  const members = checker.getDeclaredTypeOfSymbol(symbol).getProperties();
  return members.filter(isShown).map((member) => ({ name: `${name}.${member.name}`, symbol: member }));
}

/** Private members and keys for the adapters are not the reader's. */
function isShown(member: ts.Symbol): boolean {
  const { declarations = [] } = member;
  const isOurs = declarations.some((each) => !each.getSourceFile().fileName.includes('node_modules'));
  return isOurs && declarations.every((each) => !isPrivate(ts.getNameOfDeclaration(each)));
}

function isPrivate(name: ts.DeclarationName | undefined): boolean {
  return name !== undefined && (ts.isPrivateIdentifier(name) || ts.isComputedPropertyName(name));
}

function hasComment({ checker }: Reference, { symbol }: Name): boolean {
  return symbol.getDocumentationComment(checker).length > 0 || symbol.getJsDocTags(checker).length > 0;
}

function hasTag({ checker }: Reference, { symbol }: Name, tag: string): boolean {
  return symbol.getJsDocTags(checker).some(({ name }) => name === tag);
}

describe('doc comments', () => {
  let reference: Reference;
  let exported: readonly Name[];
  let members: readonly Name[];
  let planted: string;

  beforeAll(async () => {
    await withTempDir(async (dir) => {
      planted = join(dir, 'planted.ts');
      await writeFile(
        planted,
        'export function planted(): void {}\n/** Options. */\nexport interface Planted { readonly bare?: string }\n',
      );
      reference = referenceOf([...ENTRIES, planted]);
    });
    exported = ENTRIES.flatMap((file) => reference.exportsOf(file));
    members = exported.flatMap((each) => membersOf(reference.checker, each));
  }, 60_000);

  const without = (names: readonly Name[], isMet: (each: Name) => boolean) =>
    names.filter((each) => !isMet(each)).map(({ name }) => name);

  test('are on every name that a subpath exports', () => {
    expect(exported.length).toBeGreaterThan(80);
    expect(without(exported, (each) => hasComment(reference, each))).toEqual([]);
  });

  test('are on every member that the reference shows', () => {
    expect(members.length).toBeGreaterThan(150);
    expect(without(members, (each) => hasComment(reference, each))).toEqual([]);
  });

  test('show every function in use', () => {
    const functions = exported.filter(({ symbol }) => symbol.flags & ts.SymbolFlags.Function);
    expect(functions.length).toBeGreaterThan(20);
    expect(without(functions, (each) => hasTag(reference, each, 'example'))).toEqual([]);
  });

  test('state the default of every option', () => {
    const options = members.filter(({ name, symbol }) => {
      const [owner = ''] = name.split('.');
      return owner.endsWith('Options') && !GIVEN_BY_HOSTS.includes(owner) && symbol.flags & ts.SymbolFlags.Optional;
    });
    expect(options.length).toBeGreaterThan(20);
    expect(without(options, (each) => hasTag(reference, each, 'default'))).toEqual([]);
  });

  test('that are missing are found', () => {
    const names = reference.exportsOf(planted);
    expect(without(names, (each) => hasComment(reference, each))).toEqual(['planted']);
    const bare = names.flatMap((each) => membersOf(reference.checker, each));
    expect(without(bare, (each) => hasComment(reference, each))).toEqual(['Planted.bare']);
  });
});
