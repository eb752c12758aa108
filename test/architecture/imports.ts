import { posix } from 'node:path';
import ts from 'typescript5';

/** One `import`, `export … from`, `import()` or `import('…')` type of a source file. */
export interface Import {
  readonly specifier: string;
  /** Erased when compiled: nothing of the other module runs. */
  readonly typeOnly: boolean;
}

/** Everything that a source file imports, as the compiler's own parser sees it. */
export function importsOf(text: string): Import[] {
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    const imported = readImport(node);
    if (imported) found.push(imported);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest));
  return found;
}

function readImport(node: ts.Node): Import | undefined {
  if (ts.isImportDeclaration(node)) return fromText(node.moduleSpecifier, isErasedImport(node.importClause));
  if (ts.isExportDeclaration(node) && node.moduleSpecifier)
    return fromText(node.moduleSpecifier, isErasedExport(node));
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return fromText(node.argument.literal, true);
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return fromText(node.arguments[0], false);
  return undefined;
}

function fromText(node: ts.Node | undefined, typeOnly: boolean): Import {
  // A computed import cannot be followed: as `?` it is allowed nowhere.
  return { specifier: node && ts.isStringLiteralLike(node) ? node.text : '?', typeOnly };
}

function isErasedImport(clause: ts.ImportClause | undefined): boolean {
  if (!clause) return false;
  if (clause.isTypeOnly) return true;
  const names = clause.namedBindings;
  return !clause.name && names !== undefined && ts.isNamedImports(names) && areAllTypes(names.elements);
}

function isErasedExport(node: ts.ExportDeclaration): boolean {
  const names = node.exportClause;
  return node.isTypeOnly || (names !== undefined && ts.isNamedExports(names) && areAllTypes(names.elements));
}

function areAllTypes(names: readonly (ts.ImportSpecifier | ts.ExportSpecifier)[]): boolean {
  return names.length > 0 && names.every((each) => each.isTypeOnly);
}

/** The functions that constructors of exported classes are given. */
export function callbacksIn(file: string, text: string): string[] {
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest).statements.flatMap((statement) => {
    if (
      !ts.isClassDeclaration(statement) ||
      !statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
    )
      return [];
    const given = statement.members.filter(ts.isConstructorDeclaration).flatMap(({ parameters }) => [...parameters]);
    return given
      .filter(({ type }) => type && ts.isFunctionTypeNode(type))
      .map(
        ({ name }) => `${file}: the constructor of ${nameOf(statement.name)} is given the function ${nameOf(name)}`,
      );
  });
}

function nameOf(name: ts.BindingName | undefined): string {
  return name && ts.isIdentifier(name) ? name.text : '?';
}

/** The path from `src` of what a relative specifier names; `undefined` for a package. */
export function targetOf(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts');
}
