import type {
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  OperationDefinitionNode,
  SelectionSetNode,
} from 'graphql';

/** The facts about an operation's document that the library needs. */
export interface OperationShape {
  readonly isMutation: boolean;
  /** Whether the answer may come in parts. */
  readonly isIncremental: boolean;
  /** The response names of root fields that are `__typename`. They do not show success. */
  typeNames(): ReadonlySet<string>;
  /** Whether the answer of the root field with this response name comes in parts. */
  defers(name: string): boolean;
}

const NONE: ReadonlySet<string> = new Set();

/** The shape of an operation that was not executed. */
export const NO_SHAPE: OperationShape = {
  isMutation: false,
  isIncremental: false,
  typeNames: () => NONE,
  defers: () => false,
};

/** The shape of an operation. It reads the document only as far as the questions need. */
export function shapeOf(
  document: DocumentNode,
  operationName: string | null | undefined,
  mayDefer: boolean,
): OperationShape {
  const operation = operationIn(document, operationName);
  if (!operation) return NO_SHAPE;
  let fields: FieldNode[] | undefined;
  const rootFields = () => {
    fields ??= fieldsOf(operation.selectionSet, document);
    return fields;
  };
  return {
    isMutation: operation.operation === 'mutation',
    isIncremental: mayDefer && hasIncremental(operation.selectionSet, document),
    typeNames: () =>
      new Set(rootFields().flatMap((field) => (field.name.value === '__typename' ? [responseName(field)] : []))),
    defers: (name) => rootFields().some((field) => responseName(field) === name && isDeferred(field, document)),
  };
}

function operationIn(document: DocumentNode, name: string | null | undefined): OperationDefinitionNode | undefined {
  for (const definition of document.definitions) {
    if (definition.kind === 'OperationDefinition' && (!name || definition.name?.value === name)) return definition;
  }
  return undefined;
}

function responseName(field: FieldNode): string {
  return field.alias?.value ?? field.name.value;
}

/** The fields of a selection, including those in fragments. */
function fieldsOf(selections: SelectionSetNode, document: DocumentNode, seen = new Set<string>()): FieldNode[] {
  return selections.selections.flatMap((selection) => {
    if (selection.kind === 'Field') return [selection];
    if (selection.kind === 'InlineFragment') return fieldsOf(selection.selectionSet, document, seen);
    const fragment = fragmentIn(document, selection.name.value, seen);
    return fragment ? fieldsOf(fragment.selectionSet, document, seen) : [];
  });
}

function isDeferred(field: FieldNode, document: DocumentNode): boolean {
  const isStreamed = field.directives?.some(({ name }) => name.value === 'stream') ?? false;
  return isStreamed || (field.selectionSet !== undefined && hasIncremental(field.selectionSet, document));
}

/** Whether `@defer` or `@stream` occurs anywhere below. */
function hasIncremental(selections: SelectionSetNode, document: DocumentNode, seen = new Set<string>()): boolean {
  return selections.selections.some((selection) => {
    if (selection.directives?.some(({ name }) => name.value === 'defer' || name.value === 'stream')) return true;
    if (selection.kind !== 'FragmentSpread')
      return selection.selectionSet ? hasIncremental(selection.selectionSet, document, seen) : false;
    const fragment = fragmentIn(document, selection.name.value, seen);
    return fragment !== undefined && hasIncremental(fragment.selectionSet, document, seen);
  });
}

/** The fragment with this name, but only once: later calls return `undefined`. */
function fragmentIn(document: DocumentNode, name: string, seen: Set<string>): FragmentDefinitionNode | undefined {
  if (seen.has(name)) return undefined;
  seen.add(name);
  for (const definition of document.definitions) {
    if (definition.kind === 'FragmentDefinition' && definition.name.value === name) return definition;
  }
  return undefined;
}
