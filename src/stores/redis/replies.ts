/** A string or `null`. */
export function asText(reply: unknown): string | null {
  if (typeof reply === 'string' || reply === null) return reply;
  throw unexpected();
}

/** An integer. Some clients return it as text. */
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

/** Exactly `count` entries, each a string or `null`. */
export function asTextsOrNulls(reply: unknown, count: number): (string | null)[] {
  const texts = asList(reply).map(asText);
  if (texts.length === count) return texts;
  throw unexpected();
}

function unexpected(): Error {
  return new Error('the Redis client returned a reply of an unexpected type');
}
