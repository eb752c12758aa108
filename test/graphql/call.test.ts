import { describe, expect, test } from 'vitest';
import { operationOf } from '../../src/graphql/call.js';

describe('the operation of a context', () => {
  test.each([undefined, null, 'text', 1, {}, []])('is none for %j, which belongs to no operation', (context) => {
    expect(operationOf(context)).toBeUndefined();
  });
});
