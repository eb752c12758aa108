import type { StandardSchemaV1 } from '@standard-schema/spec';
import { SessionError } from '../error.js';
import { describeError } from '../logger.js';
import { withoutSecrets } from '../safe-cause.js';
import { copyJson, type JsonValue } from './json.js';

/**
 * The schema's output for stored or new data, as plain JSON. Asynchronous only if the schema is.
 *
 * @throws `INVALID_DATA` when the schema refuses the value or throws, or when its output is not
 *   JSON
 */
export type Validator = (value: JsonValue) => JsonValue | Promise<JsonValue>;

export function validatorOf(schema: StandardSchemaV1 | undefined): Validator | undefined {
  if (!schema) return undefined;
  const { validate } = schema['~standard'];
  return (value) => {
    const fail = (error: unknown): never => {
      throw failure('the schema', error, value);
    };
    let result: ReturnType<typeof validate>;
    try {
      result = validate(value);
    } catch (error) {
      return fail(error);
    }
    return result instanceof Promise
      ? result.then((settled) => outputOf(settled, value), fail)
      : outputOf(result, value);
  };
}

/**
 * The error for data about which a function of the application has thrown. It is a failure inside
 * the server, because the function has not refused the data.
 */
export function failure(name: string, error: unknown, data: JsonValue): SessionError {
  const cause = withoutSecrets(error, (message) => quotes(message.toLowerCase(), data));
  // The log and the event of a stored record have the message alone.
  const message = `${name} threw for the session's data: ${describeError(cause)}`;
  return new SessionError('INVALID_DATA', message, { status: 500, cause });
}

function outputOf(result: StandardSchemaV1.Result<unknown>, value: JsonValue): JsonValue {
  if (!result.issues) return copyJson(result.value);
  const issues = result.issues.slice(0, 3).map((issue) => `${pathOf(issue)}: ${withoutValues(issue, value)}`);
  const more = result.issues.length > 3 ? `; and ${result.issues.length - 3} more` : '';
  throw new SessionError('INVALID_DATA', `the schema refuses the session's data: ${issues.join('; ')}${more}`);
}

function pathOf(issue: StandardSchemaV1.Issue): string {
  return ['data', ...keysOf(issue)].join('.');
}

function keysOf({ path = [] }: StandardSchemaV1.Issue): string[] {
  return path.map((part) => String(typeof part === 'object' ? part.key : part));
}

/**
 * Shorter values can occur in a message by chance, as in 'expected a number of at most 5'. They
 * count only if they are the refused value itself.
 */
const SHORTEST_QUOTE = 4;

/**
 * The message of an issue. Some schema libraries quote the value that they refuse. Errors are
 * logged, so such a message is dropped.
 */
function withoutValues(issue: StandardSchemaV1.Issue, data: JsonValue): string {
  const text = issue.message.toLowerCase();
  return quotes(text, data) || quotesRefused(text, valueAt(data, keysOf(issue))) ? 'is not valid' : issue.message;
}

function valueAt(data: JsonValue, keys: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = data;
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** Whether the message contains the refused value, however short that is. */
function quotesRefused(text: string, value: JsonValue | undefined): boolean {
  if (typeof value === 'object' || value === undefined || value === '') return false;
  return text.split(/[\s'"`(){}<>[\],:;=]+|[.!?]+(?:\s|$)/).includes(String(value).toLowerCase());
}

function quotes(text: string, value: JsonValue | undefined): boolean {
  if (typeof value === 'string' || typeof value === 'number') {
    const part = String(value).toLowerCase().slice(0, 12);
    return part.length >= SHORTEST_QUOTE && text.includes(part);
  }
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some((item) => quotes(text, item));
}

/**
 * The only place where JSON becomes the user's type. The schema has checked it, or the type
 * argument of `createSessions` promises it.
 */
export function reveal<Data>(json: JsonValue): Data {
  return json as Data;
}
