import {
  defaultFieldResolver,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  isObjectType,
} from 'graphql';
import { operationOf } from './call.js';

type Field = GraphQLField<unknown, unknown>;
type Resolver = NonNullable<Field['resolve']>;
type Path = Parameters<Resolver>[3]['path'];

const wrapped = new WeakSet<object>();

/**
 * {@link observeFields} for hosts that do not show which default resolver their executor uses.
 * Fields without a resolver of their own are left as they are.
 */
export function observeResolvers(schema: GraphQLSchema): void {
  for (const field of rootFields(schema.getMutationType())) if (field.resolve) observe(field, field.resolve);
  observeParts(schema);
}

/**
 * Reports to operations when the root fields of a mutation begin, whether their resolvers fail,
 * and which root fields of a query are running. In a schema with `@defer` or `@stream`, it also
 * reports which resolvers run in a part. For other fields and operations the cost is negligible.
 */
export function observeFields(schema: GraphQLSchema): void {
  for (const field of rootFields(schema.getMutationType())) observe(field, defaultResolver);
  observeParts(schema);
}

function observeParts(schema: GraphQLSchema): void {
  // A field without a resolver is left as it is: it hardly ever logs in.
  for (const field of rootFields(schema.getQueryType())) if (field.resolve) observe(field, field.resolve);
  if (!canDefer(schema)) return;
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    // A field without a resolver changes nothing.
    for (const field of Object.values(type.getFields())) if (field.resolve) observe(field, field.resolve);
  }
}

function rootFields(type: GraphQLObjectType | null | undefined): Field[] {
  return Object.values(type?.getFields() ?? {});
}

/** Whether the schema has the directives of incremental delivery. */
export function canDefer(schema: GraphQLSchema): boolean {
  return Boolean(schema.getDirective('defer') ?? schema.getDirective('stream'));
}

function observe(field: Field, fallback: Resolver): void {
  if (wrapped.has(field)) return;
  wrapped.add(field);
  const resolve = field.resolve ?? fallback;
  field.resolve = (source, args, context, info) => {
    const { path } = info;
    const operation = operationOf(context);
    const runner = operation?.runnerOf(path.prev ? pathTo(path) : [path.key], info.operation);
    return runner ? runner(() => resolve(source, args, context, info)) : resolve(source, args, context, info);
  };
}

/**
 * The fallback for fields that had no resolver. They must still use the default resolver of the
 * executor.
 */
const defaultResolver: Resolver = (source, args, context, info) =>
  (operationOf(context)?.fieldResolver ?? defaultFieldResolver)(source, args, context, info);

function pathTo(path: Path): (string | number)[] {
  const keys: (string | number)[] = [];
  for (let at: Path | undefined = path; at; at = at.prev) keys.unshift(at.key);
  return keys;
}
