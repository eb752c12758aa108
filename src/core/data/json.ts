import { SessionError } from '../error.js';

/** A value that JSON can carry. An undefined property is the same as an absent one. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
/** An object of {@link JsonValue}s. */
export type JsonObject = { readonly [key: string]: JsonValue | undefined };

/**
 * A deep copy of `value` that shares nothing with it, without undefined properties.
 *
 * @throws `INVALID_DATA` with the path of the first value that JSON would drop or change: a
 *   function, a `Date`, `undefined` in an array, `NaN`, a cycle.
 */
export function copyJson(value: unknown, root = 'data'): JsonValue {
  try {
    return copyAt(value, root, 0);
  } catch (error) {
    if (!(error instanceof TooDeep)) throw error;
    // A cycle looks endlessly deep. Only here is it worth a search: the usual copy does not
    // remember ancestors.
    const cycle = findCycle(value, root);
    if (cycle !== undefined) throw refusal(cycle, 'refers to one of its own ancestors');
    throw refusal(error.path, `is nested more than ${DEEPEST.toLocaleString('en')} levels deep`);
  }
}

/** How deep data may be nested below its top level. Recursion can go further, so this is safe. */
const DEEPEST = 1_000;

function copyAt(value: unknown, path: string, depth: number): JsonValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (Number.isFinite(value)) return value;
      throw refusal(path, `is ${value}`);
    case 'object':
      if (value === null) return null;
      if (depth > DEEPEST) throw new TooDeep(path);
      if (Array.isArray(value)) return copyArray(value, path, depth + 1);
      return copyObject(value, path, depth + 1);
    default:
      throw refusal(path, `is ${value === undefined ? 'undefined' : `a ${typeof value}`}`);
  }
}

class TooDeep extends Error {
  readonly path: string;

  constructor(path: string) {
    super();
    this.path = path;
  }
}

function copyArray(value: readonly unknown[], path: string, depth: number): JsonValue[] {
  const copy = new Array<JsonValue>(value.length);
  for (let i = 0; i < value.length; i += 1) {
    const item = value[i];
    copy[i] = isScalar(item) ? item : copyAt(item, pathTo(path, `[${i}]`), depth);
  }
  return copy;
}

function copyObject(value: object, path: string, depth: number): JsonObject {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw refusal(path, `is ${describe(value)}`);
  }
  const copy: Record<string, JsonValue> = {};
  for (const key of Object.keys(value)) {
    const item: unknown = Reflect.get(value, key);
    if (item === undefined) continue;
    setOwn(copy, key, isScalar(item) ? item : copyAt(item, propertyPath(path, key), depth));
  }
  if (Object.getOwnPropertySymbols(value).length > 0) throw refusal(path, 'has a symbol for a key');
  return copy;
}

/** Whether a value is of the common kind. Decided here, so that no path is built for it. */
function isScalar(value: unknown): value is string | number | boolean | null {
  return typeof value === 'string' || typeof value === 'boolean' || value === null || Number.isFinite(value);
}

/** {@link copyJson} for a value that is known to be JSON, so that nothing must be checked. */
export function cloneJson(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (isArray(value)) {
    const copy: JsonValue[] = [];
    for (const item of value) copy.push(cloneJson(item));
    return copy;
  }
  const copy: Record<string, JsonValue> = {};
  for (const key of Object.keys(value)) {
    const item = value[key];
    if (item !== undefined) setOwn(copy, key, cloneJson(item));
  }
  return copy;
}

function describe(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === 'string' && name !== '' ? `a ${name}` : 'an instance of a class';
}

function propertyPath(path: string, key: string): string {
  return pathTo(path, /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key.slice(0, 64))}]`);
}

/** Extends a path, but not beyond the length that an error shows. */
function pathTo(path: string, step: string): string {
  return path.length > LONGEST_PATH ? path : path + step;
}

const LONGEST_PATH = 200;

function refusal(path: string, problem: string): SessionError {
  const where = path.length <= LONGEST_PATH ? path : `${path.slice(0, LONGEST_PATH)}…`;
  return new SessionError('INVALID_DATA', `${where} ${problem}, which JSON cannot carry`);
}

/**
 * The path of a reference to an ancestor. Without recursion: the data may be deeper than the
 * stack.
 */
function findCycle(root: unknown, rootPath: string): string | undefined {
  const ancestors = new Set<unknown>();
  const pending: { value: unknown; path: string; leave: boolean }[] = [{ value: root, path: rootPath, leave: false }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { value, path, leave } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (leave) {
      ancestors.delete(value);
      continue;
    }
    if (ancestors.has(value)) return path;
    ancestors.add(value);
    pending.push({ value, path, leave: true });
    for (const [key, item] of Object.entries(value)) {
      if (typeof item !== 'object') continue;
      const itemPath = propertyPath(path, key);
      pending.push({ value: item, path: itemPath, leave: false });
    }
  }
  return undefined;
}

/** Sets a property of any name. Assigning to `__proto__` would set the prototype instead. */
export function setOwn<Value>(target: Record<string, Value>, key: string, value: Value): void {
  if (key !== '__proto__') target[key] = value;
  else Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

/** The object's own property, never an inherited one such as `constructor`. */
export function getOwn(value: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Whether two values are the same JSON. `-0` and `0` differ, as in JSON. The order of keys does
 * not matter.
 */
export function equalJson(a: unknown, b: unknown, depth = 0): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  // Too deep to be kept. Such a value counts as changed, so that the copy refuses it.
  if (depth > DEEPEST + 1) return false;
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && equalArrays(a, b, depth + 1);
  return equalObjects(a, b, depth + 1);
}

function equalArrays(a: readonly unknown[], b: readonly unknown[], depth: number): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (!equalJson(a[i], b[i], depth)) return false;
  return true;
}

function equalObjects(a: object, b: object, depth: number): boolean {
  // A `Date` has no keys. Without this check it would equal `{}`, and be dropped silently.
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  // JSON cannot carry them. A draft (`a`) that has one counts as changed, and the copy refuses it.
  if (Object.getOwnPropertySymbols(a).length > 0) return false;
  let defined = 0;
  for (const key of Object.keys(a)) {
    const item: unknown = Reflect.get(a, key);
    if (item === undefined) continue;
    defined += 1;
    if (!Object.hasOwn(b, key) || !equalJson(item, Reflect.get(b, key), depth)) return false;
  }
  for (const key of Object.keys(b)) if (Reflect.get(b, key) !== undefined) defined -= 1;
  return defined === 0;
}

/**
 * The JSON text of a value that {@link copyJson} has accepted. Unlike `JSON.stringify`, it keeps
 * `-0`. It escapes `U+0000` and lone surrogates, because some stores cannot hold them.
 */
export function encodeJson(value: JsonValue): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  let text = '';
  if (isArray(value)) {
    for (const item of value) text += text === '' ? encodeJson(item) : `,${encodeJson(item)}`;
    return `[${text}]`;
  }
  for (const key of Object.keys(value)) {
    const item = value[key];
    if (item !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${encodeJson(item)}`;
  }
  return `{${text}}`;
}

/** Needed because `Array.isArray` narrows a readonly array to `any[]`. */
function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
