import fc from 'fast-check';
import type { JsonValue } from '../../core/data/json.js';
import { setOwn } from '../../core/data/json.js';
import { type RandomOptions, randomRuns } from './random-runs.js';

/** Any UTF-16 units, including lone surrogates and `U+0000`. */
const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 }).map((units) => String.fromCharCode(...units)),
);
const anyKey = fc.oneof(
  anyText,
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toJSON', 'then', 'length', 'hasOwnProperty', '0', ''),
);
const anyNumber = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.constantFrom(-0, 0, 1e308, 5e-324, Number.MAX_SAFE_INTEGER, 2 ** 53, 1e21, 0.1),
);

const { json } = fc.letrec<{ json: JsonValue }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    anyText,
    anyNumber,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('json'), { maxLength: 6 }),
    fc.array(fc.tuple(anyKey, tie('json')), { maxLength: 6 }).map(objectOf),
  ),
}));

function objectOf(entries: readonly (readonly [string, JsonValue])[]): JsonValue {
  const object: Record<string, JsonValue> = {};
  for (const [key, value] of entries) setOwn(object, key, value);
  return object;
}

/** Calls `check` with arbitrary values. Reports the simplest value for which it throws. */
export async function checkArbitraryJson(
  check: (value: JsonValue) => Promise<void>,
  options: RandomOptions,
): Promise<void> {
  await fc.assert(fc.asyncProperty(json, check), randomRuns(options));
}
