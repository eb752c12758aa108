import { expect, test } from 'vitest';
import { z } from 'zod';
import { validatorOf } from '../../../src/core/data/schema.js';

const schemaWith = (message: (input: unknown) => string) =>
  validatorOf(
    z.object({
      pin: z.unknown().refine(() => false, { error: ({ input }) => message(input) }),
      limit: z.number().optional(),
    }),
  );

function refusal(
  message: (input: unknown) => string,
  data: { pin: string | number | boolean; limit?: number },
): string {
  try {
    schemaWith(message)?.(data);
  } catch (error) {
    return String(error);
  }
  return expect.unreachable('the schema was to refuse the data');
}

test.each(['7', 'ab', '123', 42, true] as const)(
  'rule 26: a message that quotes the refused value %j is left out, however short',
  (pin) => {
    for (const quote of [
      (input: unknown) => `received '${input}'`,
      (input: unknown) => `${input} is no pin`,
      (input: unknown) => `got ${input}.`,
    ]) {
      expect(refusal(quote, { pin })).toMatch(/: data\.pin: is not valid$/);
    }
  },
);

test('a message that quotes nothing stays, even if it has a number that occurs in other data', () => {
  expect(refusal(() => 'must be at most 5', { pin: '7', limit: 5 })).toContain('data.pin: must be at most 5');
});

test('rule 26: a message that quotes a longer value of another field is left out', () => {
  const schema = validatorOf(
    z.object({ a: z.string(), b: z.string() }).refine(() => false, { error: 'differs from secret-value' }),
  );
  expect(() => schema?.({ a: 'secret-value', b: 'x' })).toThrow(/: data: is not valid$/);
});

test.each([null, 7, 'text', {}])(
  'an issue about a field inside %j, which has no such field, keeps its message',
  (a) => {
    const schema = validatorOf(
      z
        .object({ a: z.unknown() })
        .superRefine((_data, { addIssue }) =>
          addIssue({ code: 'custom', path: ['a', 'b', 'c'], message: 'is wrong' }),
        ),
    );
    expect(() => schema?.({ a })).toThrow(/: data\.a\.b\.c: is wrong$/);
  },
);
