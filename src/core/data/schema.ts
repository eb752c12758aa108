import type { StandardSchemaV1 } from '@standard-schema/spec';
import { SessionError } from '../error.js';
import { copyJson, type JsonValue } from './json.js';

/**
 * What the schema makes of stored or new data, as plain JSON. Asynchronous only where the schema is.
 *
 * @throws `INVALID_DATA` when the schema refuses the value, or when its output is not JSON.
 */
export type Validator = (value: JsonValue) => JsonValue | Promise<JsonValue>;

export function validatorOf(schema: StandardSchemaV1 | undefined): Validator | undefined {
  if (!schema) return undefined;
  const { validate } = schema['~standard'];
  return (value) => {
    const result = validate(value);
    return result instanceof Promise ? result.then(outputOf) : outputOf(result);
  };
}

function outputOf(result: StandardSchemaV1.Result<unknown>): JsonValue {
  if (!result.issues) return copyJson(result.value);
  const issues = result.issues.map((issue) => `${pathOf(issue)}: ${issue.message}`);
  const more = issues.length > 3 ? `; and ${issues.length - 3} more` : '';
  throw new SessionError('INVALID_DATA', `the schema refuses the session's data: ${issues.slice(0, 3).join('; ')}${more}`);
}

function pathOf(issue: StandardSchemaV1.Issue): string {
  return ['data', ...(issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part))].join('.');
}

/**
 * The one place where JSON becomes the user's type: what the schema has checked, or, without a schema, what the type argument of
 * `createSessions` says.
 */
export function reveal<Data>(json: JsonValue): Data {
  return json as Data;
}
