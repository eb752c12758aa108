import { inspect } from 'node:util';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describe, expect, test } from 'vitest';
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

/** A schema of its own. Zod calls a schema that throws again, and then it rejects. */
function schemaOf(validate: StandardSchemaV1['~standard']['validate']) {
  const read = validatorOf({ '~standard': { version: 1, vendor: 'test', validate } });
  return async () => read?.({ text: 'correct horse' });
}

describe('rule 26: a schema that throws refuses the data', () => {
  const parsed = (value: unknown) => ({ value: JSON.parse(Reflect.get(Object(value), 'text')) });

  test.each<[string, () => Promise<unknown>]>([
    ['synchronous', schemaOf(parsed)],
    ['asynchronous', schemaOf(async (value) => parsed(value))],
  ])('%s', async (_kind, read) => {
    const error: unknown = await read().catch((thrown: unknown) => thrown);
    const message = "the schema threw for the session's data: SyntaxError: […]";
    expect(error).toMatchObject({ code: 'INVALID_DATA', status: 500, message });
    expect(error).toMatchObject({ cause: { name: 'SyntaxError', message: '[…]' } });
    expect(inspect(error)).not.toContain('horse');
    expect(inspect(error)).toContain('schema.test.ts');
  });

  test('with its cause, if that quotes no data', async () => {
    const read = schemaOf(() => {
      throw new Error('no rates', { cause: 'the table is empty' });
    });
    await expect(read()).rejects.toMatchObject({ cause: { message: 'no rates', cause: 'the table is empty' } });
  });
});
