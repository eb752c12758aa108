import { copyJson, encodeJson, equalJson } from '../../core/data/json.js';
import { isSessionError } from '../../core/error.js';
import type { SessionRecord } from '../../core/store.js';

/** The error of a test of the kit when the store is at fault. Test runners show the two values. */
export class ContractError extends Error {
  override readonly name = 'AssertionError';
  readonly actual: unknown;
  readonly expected: unknown;

  constructor(message: string, actual?: unknown, expected?: unknown) {
    super(message);
    this.actual = actual;
    this.expected = expected;
  }
}

export function ensure(condition: boolean, message: string): asserts condition {
  if (!condition) throw new ContractError(message);
}

/**
 * Compares JSON values deeply. `-0` is not `0`, and an undefined property equals an absent one.
 */
export function ensureEqual(actual: unknown, expected: unknown, message: string): void {
  if (equalJson(actual, expected)) return;
  throw new ContractError(`${message}: ${show(actual)} instead of ${show(expected)}`, actual, expected);
}

/** Whether an operation was refused because its session has ended. */
export function isGone(error: unknown): boolean {
  return isSessionError(error) && error.code === 'SESSION_GONE';
}

export async function ensureGone(operation: Promise<unknown>, what: string): Promise<void> {
  const refused = await operation.then(() => false, isGone);
  ensure(refused, `${what} was not refused with SESSION_GONE`);
}

/** Narrows away `null` and `undefined`. */
export function present<Value>(value: Value | null | undefined, what: string): Value {
  if (value === null || value === undefined) throw new ContractError(`${what} is missing`);
  return value;
}

const FIELDS: readonly string[] = [
  'id',
  'version',
  'ownerId',
  'createdAt',
  'expiresAt',
  'body',
] satisfies (keyof SessionRecord)[];

/** Compares every field exactly, and allows no others, because what is read is written again. */
export function ensureRecord(
  actual: SessionRecord | null | undefined,
  expected: SessionRecord,
  message: string,
): void {
  if (!actual) throw new ContractError(`${message}: there is no record`, actual, expected);
  for (const field of FIELDS)
    ensureSame(Reflect.get(actual, field), Reflect.get(expected, field), `${message}: ${field}`);
  const surplus = Object.keys(actual).filter((key) => !FIELDS.includes(key));
  ensureEqual(surplus, [], `${message}: fields that were not written`);
  ensure(
    'ownerId' in actual === 'ownerId' in expected,
    `${message}: an absent ownerId must stay absent, not undefined or null`,
  );
}

function ensureSame(actual: unknown, expected: unknown, message: string): void {
  if (Object.is(actual, expected)) return;
  throw new ContractError(`${message} is ${show(actual)} instead of ${show(expected)}`, actual, expected);
}

function show(value: unknown): string {
  const text = textOf(value);
  return text.length <= 200 ? text : `${text.slice(0, 200)}… (${text.length} characters)`;
}

function textOf(value: unknown): string {
  try {
    return encodeJson(copyJson(value));
  } catch {
    return typeof value === 'bigint' ? `${value}n` : String(value);
  }
}
