import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { knownOwner, ownerOf } from '../../../src/core/record/owner.js';

test('rule 26: the error of an ownerOf that throws quotes no data', () => {
  const settings = { ownerOf: (data: unknown) => JSON.parse(String(data)) };
  const error = catchError(() => ownerOf(settings, 'correct horse'));
  expect(error).toMatchObject({ code: 'INVALID_DATA', status: 500, cause: { name: 'SyntaxError' } });
  expect(inspect(error)).not.toContain('horse');
  expect(knownOwner(settings, 'correct horse')).toBeNull();
});

function catchError(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
