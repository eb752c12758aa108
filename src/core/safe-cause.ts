/** How many causes of an error are kept. */
const DEPTH = 4;
const LONGEST_MESSAGE = 500;

/** A copy of an error of a store or of the application. It quotes nothing of a session. */
class Described extends Error {
  constructor(name: string, message: string, code: unknown, cause: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    Object.defineProperty(this, 'name', { value: name, configurable: true });
    if (typeof code === 'string' || typeof code === 'number')
      Object.defineProperty(this, 'code', { value: code, enumerable: true });
  }
}

/**
 * A copy of an error that is safe to log with all its causes. Drivers put the failed command on
 * their errors, and the record is in the command (CWE-532). The copy keeps the name, the code, the
 * stack and the message. From the message it removes everything that looks like JSON, a hash or a
 * token.
 *
 * @param quotes whether a message quotes data that must not be logged. Such a message is left out
 */
export function withoutSecrets(
  error: unknown,
  quotes: (message: string) => boolean = () => false,
  depth = DEPTH,
): unknown {
  const clean = (message: string) => (quotes(message) ? '[…]' : scrub(message));
  if (!(error instanceof Error)) return typeof error === 'object' ? undefined : clean(String(error));
  const causes: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  const cause = causes === undefined || depth === 0 ? undefined : withoutSecrets(causes, quotes, depth - 1);
  const safe = new Described(error.name, clean(error.message), Reflect.get(error, 'code'), cause);
  const frames = /(?:\n {4}at .*)+$/.exec(error.stack ?? '')?.[0] ?? '';
  Object.defineProperty(safe, 'stack', {
    value: `${safe.name}: ${safe.message}${frames}`,
    configurable: true,
    writable: true,
  });
  return safe;
}

function scrub(message: string): string {
  return message
    .slice(0, LONGEST_MESSAGE)
    .replace(/[{[][\s\S]*[}\]]|[{[]"[\s\S]*$/g, '[…]')
    .replace(/[A-Za-z0-9_-]{40,}/g, '[…]');
}
