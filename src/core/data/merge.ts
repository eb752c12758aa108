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
 * stay, and equal values keep their identity.
 */
export function rebaseFields(draft: Record<string, unknown>, submitted: JsonObject, newest: JsonObject): void {
  for (const key of new Set([...Object.keys(draft), ...Object.keys(newest)])) {
    const mine = Object.hasOwn(draft, key) ? draft[key] : undefined;
    const before = getOwn(submitted, key);
    const now = getOwn(newest, key);
    if (!equalJson(mine, before) || equalJson(mine, now)) continue;
    if (now === undefined) delete draft[key];
    else setOwn(draft, key, cloneJson(now));
  }
}
