import { expect, test } from 'vitest';
import { ReportLimit } from '../../../src/core/kernel/report-limit.js';

test('rule 23: a session is reported at most once a minute, independently of others', () => {
  const limit = new ReportLimit();
  expect([
    limit.allows('a', 0),
    limit.allows('a', 59_999),
    limit.allows('b', 59_999),
    limit.allows('a', 60_000),
  ]).toEqual([true, false, true, true]);
  expect(limit.allows('a', 60_001)).toBe(false);
});

test('rule 23: a clock that was set back does not silence a session', () => {
  const limit = new ReportLimit();
  limit.allows('a', 3_600_000);
  expect([limit.allows('a', 3_599_999), limit.allows('a', 0)]).toEqual([false, true]);
});

test('rule 23: the memory is bounded, and forgets the session first that was reported first', () => {
  const limit = new ReportLimit(2);
  for (const id of ['a', 'b', 'c']) expect(limit.allows(id, 0)).toBe(true);
  expect([limit.allows('b', 1), limit.allows('c', 1), limit.allows('a', 1)]).toEqual([false, false, true]);
});
