/** A string or nothing. */
export function asText(reply: unknown): string | null {
  if (typeof reply === 'string' || reply === null) return reply;
  throw unexpected();
}

/** An integer; some clients give them as text. */
export function asInteger(reply: unknown): number {
  const value = typeof reply === 'string' || typeof reply === 'number' ? Number(reply) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw unexpected();
}

export function asList(reply: unknown): readonly unknown[] {
  if (Array.isArray(reply)) return reply;
  throw unexpected();
}

export function asTexts(reply: unknown): string[] {
  return asList(reply).map((item) => {
    if (typeof item === 'string') return item;
    throw unexpected();
  });
}

/** As many strings as were asked for, or nothing where there is none. */
export function asTextsOrNulls(reply: unknown, count: number): (string | null)[] {
  const texts = asList(reply).map(asText);
  if (texts.length === count) return texts;
  throw unexpected();
}

function unexpected(): Error {
  return new Error('the Redis client gave a reply of another type than the command has');
}
