import { transformSync } from 'esbuild';
import ts from 'typescript5';

/** One change of a source file: the text from `start` to `end` becomes `after`. */
export interface Mutant {
  readonly path: string;
  /** Counts from 1. */
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly before: string;
  readonly after: string;
}

interface Change {
  /** Where the change begins, if it is not the start of the node. */
  readonly from?: number;
  readonly to?: number;
  readonly after: string;
}

/** The other operator, for operators that are exchanged as they stand. */
const SWAPPED: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.AmpersandAmpersandToken, '||'],
  [ts.SyntaxKind.BarBarToken, '&&'],
  [ts.SyntaxKind.QuestionQuestionToken, '&&'],
  [ts.SyntaxKind.LessThanToken, '<='],
  [ts.SyntaxKind.LessThanEqualsToken, '<'],
  [ts.SyntaxKind.GreaterThanToken, '>='],
  [ts.SyntaxKind.GreaterThanEqualsToken, '>'],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, '!=='],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, '==='],
  [ts.SyntaxKind.PlusToken, '-'],
  [ts.SyntaxKind.MinusToken, '+'],
  [ts.SyntaxKind.AsteriskToken, '/'],
  [ts.SyntaxKind.SlashToken, '*'],
  [ts.SyntaxKind.PercentToken, '*'],
  [ts.SyntaxKind.PlusEqualsToken, '-='],
  [ts.SyntaxKind.MinusEqualsToken, '+='],
]);

/** All mutants of a source file, in the order of the text, each different text once. */
export function mutantsOf(path: string, text: string): Mutant[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found = new Map<string, Mutant>();
  const add = (node: ts.Node, change: Change): void => {
    const start = change.from ?? node.getStart();
    const end = change.to ?? node.end;
    const before = text.slice(start, end);
    if (before === change.after) return;
    const line = source.getLineAndCharacterOfPosition(start).line + 1;
    found.set(`${start}:${end}:${change.after}`, { path, line, start, end, before, after: change.after });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    for (const change of changesOf(node)) add(node, change);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return [...found.values()].sort((a, b) => a.start - b.start || b.end - a.end);
}

/** The source with one mutant in it. */
export function mutated(text: string, { start, end, after }: Mutant): string {
  return text.slice(0, start) + after + text.slice(end);
}

/** Whether a mutant is a program at all. Some operators may not stand beside each other. */
export function isProgram(text: string): boolean {
  try {
    transformSync(text, { loader: 'ts', logLevel: 'silent' });
    return true;
  } catch {
    return false;
  }
}

function changesOf(node: ts.Node): Change[] {
  return [...conditionChanges(node), ...operatorChanges(node), ...statementChanges(node), ...valueChanges(node)];
}

function conditionChanges(node: ts.Node): Change[] {
  if (!isCondition(node)) return [];
  if (ts.isPrefixUnaryExpression(node) || isEquality(node)) return []; // Negated as operators.
  return [{ after: `!(${node.getText()})` }];
}

function isCondition(node: ts.Node): boolean {
  const { parent } = node;
  if (parent === undefined) return false;
  if (ts.isIfStatement(parent) || ts.isWhileStatement(parent) || ts.isDoStatement(parent))
    return parent.expression === node;
  if (ts.isConditionalExpression(parent) || ts.isForStatement(parent)) return parent.condition === node;
  return false;
}

function isEquality(node: ts.Node): boolean {
  return ts.isBinaryExpression(node) && ['===', '!=='].includes(node.operatorToken.getText());
}

function operatorChanges(node: ts.Node): Change[] {
  if (ts.isBinaryExpression(node)) {
    const { operatorToken: token } = node;
    const after = SWAPPED.get(token.kind);
    if (after === undefined || (after === '-' && isText(node))) return [];
    // JavaScript refuses `??` beside `&&` without brackets.
    if (token.kind === ts.SyntaxKind.QuestionQuestionToken)
      return [{ after: `(${node.left.getText()} && ${node.right.getText()})` }];
    return [{ from: token.getStart(), to: token.end, after }];
  }
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken)
    return [{ after: node.operand.getText() }];
  if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
    const { operator } = node;
    if (operator === ts.SyntaxKind.PlusPlusToken) return [{ after: node.getText().replace('++', '--') }];
    if (operator === ts.SyntaxKind.MinusMinusToken) return [{ after: node.getText().replace('--', '++') }];
  }
  return optionalChanges(node);
}

function optionalChanges(node: ts.Node): Change[] {
  if (ts.isPropertyAccessExpression(node) && node.questionDotToken) {
    return [{ from: node.questionDotToken.getStart(), to: node.questionDotToken.end, after: '.' }];
  }
  if ((ts.isElementAccessExpression(node) || ts.isCallExpression(node)) && node.questionDotToken) {
    return [{ from: node.questionDotToken.getStart(), to: node.questionDotToken.end, after: '' }];
  }
  return [];
}

/** Whether a sum joins texts: it has a part that is a text. */
function isText(node: ts.Expression): boolean {
  if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) return true;
  return ts.isBinaryExpression(node) && (isText(node.left) || isText(node.right));
}

function statementChanges(node: ts.Node): Change[] {
  if (ts.isExpressionStatement(node) || ts.isThrowStatement(node)) return [{ after: ';' }];
  if (ts.isReturnStatement(node))
    return [{ after: node.expression && node.expression.getText() !== 'undefined' ? 'return;' : ';' }];
  if (ts.isIfStatement(node) && node.elseStatement === undefined && isExit(node.thenStatement))
    return [{ after: ';' }];
  if (ts.isArrowFunction(node) && !ts.isBlock(node.body) && node.body.getText() !== 'undefined') {
    return [{ from: node.body.getStart(), to: node.body.end, after: 'undefined' }];
  }
  return [];
}

/** Whether a statement leaves the function or the loop. Without it, the code after it runs. */
function isExit(node: ts.Statement): boolean {
  if (ts.isBlock(node)) return node.statements.some(isExit);
  return (
    ts.isReturnStatement(node) ||
    ts.isThrowStatement(node) ||
    ts.isContinueStatement(node) ||
    ts.isBreakStatement(node)
  );
}

function valueChanges(node: ts.Node): Change[] {
  if (node.kind === ts.SyntaxKind.TrueKeyword) return [{ after: 'false' }];
  if (node.kind === ts.SyntaxKind.FalseKeyword) return [{ after: 'true' }];
  if (ts.isNumericLiteral(node)) return [{ after: String(Number(node.text) + 1) }];
  if (!ts.isStringLiteral(node) || isName(node)) return [];
  // Sentences are for people: a test need not repeat them.
  if (node.text.includes(' ')) return [];
  return [{ after: node.text === '' ? "'mutant'" : "''" }];
}

/** Whether a text is the name of a property. */
function isName(node: ts.StringLiteral): boolean {
  const { parent } = node;
  return (ts.isPropertyAssignment(parent) || ts.isMethodDeclaration(parent)) && parent.name === node;
}
