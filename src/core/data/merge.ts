import { cloneJson, equalJson, getOwn, isJsonObject, type JsonObject, type JsonValue, setOwn } from './json.js';

/**
 * The changes of a draft: the top-level fields with their new values (`undefined`: deleted). If
 * the old or the new value is not an object, the whole new value.
 */
export type Patch =
  | { readonly kind: 'fields'; readonly fields: ReadonlyMap<string, JsonValue | undefined> }
  | { readonly kind: 'whole'; readonly value: JsonValue };

/** The difference between two values, or `null` if there is none. */
export function diff(before: JsonValue, after: JsonValue): Patch | null {
  if (!isJsonObject(before) || !isJsonObject(after))
    return equalJson(before, after) ? null : { kind: 'whole', value: after };
  const fields = new Map<string, JsonValue | undefined>();
  for (const key of Object.keys(after)) {
    const value = after[key];
    if (!equalJson(value, getOwn(before, key))) fields.set(key, value);
  }
  for (const key of Object.keys(before)) if (getOwn(after, key) === undefined) fields.set(key, undefined);
  return fields.size === 0 ? null : { kind: 'fields', fields };
}

/** `target` with the patch applied. Neither is changed. Existing fields keep their order. */
export function applyPatch(target: JsonValue, patch: Patch): JsonValue {
  if (patch.kind === 'whole') return patch.value;
  const result: Record<string, JsonValue> = {};
  const from: JsonObject = isJsonObject(target) ? target : {};
  for (const key of Object.keys(from)) {
    const value = patch.fields.has(key) ? patch.fields.get(key) : from[key];
    if (value !== undefined) setOwn(result, key, value);
  }
  for (const [key, value] of patch.fields) {
    if (value !== undefined && !Object.hasOwn(result, key)) setOwn(result, key, value);
  }
  return result;
}

/**
 * Brings a draft up to date with the newest data. Fields that differ from what was `submitted`
 * stay, and equal values keep their identity. Changes the draft in place if its owner has left it
 * writable. Returns a copy if not: Immer freezes what it produces.
 */
export function rebaseFields<Draft extends Record<string, unknown>>(
  draft: Draft,
  submitted: JsonObject,
  newest: JsonObject,
): Draft {
  const keys = [...new Set([...Object.keys(draft), ...Object.keys(newest)])];
  const changed = keys.filter((key) => {
    const mine = Object.hasOwn(draft, key) ? draft[key] : undefined;
    return equalJson(mine, getOwn(submitted, key)) && !equalJson(mine, getOwn(newest, key));
  });
  const rebased = changed.length === 0 || isWritable(draft) ? draft : { ...draft };
  const fields: Record<string, unknown> = rebased;
  for (const key of changed) {
    const now = getOwn(newest, key);
    if (now === undefined) delete fields[key];
    else setOwn(fields, key, cloneJson(now));
  }
  return rebased;
}

/** Whether all fields are plain, so that they can be set and deleted, and others can be added. */
function isWritable(draft: object): boolean {
  if (!Object.isExtensible(draft)) return false;
  return Object.values(Object.getOwnPropertyDescriptors(draft)).every((each) => each.writable && each.configurable);
}
