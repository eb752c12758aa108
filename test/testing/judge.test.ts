import { describe, expect, test } from 'vitest';
import type { SessionRecord } from '../../src/index.js';
import { bodyOf, newId } from '../../src/testing/kit/records.js';
import type { Step } from '../../src/testing/races/gate.js';
import {
  ensureOutcomes,
  ensureRotationsEnd,
  type History,
  historyOf,
  isAlive,
} from '../../src/testing/races/judge.js';
import type { Outcome } from '../../src/testing/races/operations.js';

const FIRST: SessionRecord = { id: newId(), version: '1', createdAt: 0, expiresAt: 100, body: bodyOf({ count: 0 }) };
const SECOND: SessionRecord = { ...FIRST, version: '2', expiresAt: 200, body: bodyOf({ count: 1, field0: 0 }) };

const base = { actor: 0, askedAt: 50, doneAt: 50 } as const;
const replaced: Step = { ...base, verb: 'replace', record: SECOND, result: 'replaced' };
const deleted: Step = { ...base, verb: 'delete', result: true };
const passed = (doneAt: number): Step => ({ ...base, verb: 'clock', doneAt, result: undefined });

describe('the history of a race', () => {
  test("follows the store's answers", () => {
    const missed: Step = { ...base, verb: 'delete', result: false };
    const conflict: Step = { ...base, verb: 'replace', record: FIRST, result: 'conflict' };
    const found: Step = { ...base, verb: 'find', result: FIRST };
    expect(historyOf(FIRST, [found, replaced, conflict, missed, passed(199)], true)).toEqual({
      last: SECOND,
      destroyed: false,
      expired: false,
    });
    expect(historyOf(FIRST, [passed(100)], true)).toEqual({ last: FIRST, destroyed: false, expired: true });
    expect(historyOf(FIRST, [replaced, deleted], true)).toEqual({ last: SECOND, destroyed: true, expired: false });
  });

  test('an insert, a write after a delete, and a write requested after the deadline are faults', () => {
    expect(() => historyOf(FIRST, [{ ...base, verb: 'insert', record: SECOND, result: 'inserted' }], true)).toThrow(
      'invariant 2',
    );
    expect(() => historyOf(FIRST, [deleted, replaced], true)).toThrow('invariant 2');
    expect(() => historyOf(FIRST, [{ ...replaced, askedAt: 100, doneAt: 100 }], false)).toThrow('invariant 7');
  });

  test('a write in progress at the deadline is a fault only for a store that expires by that clock', () => {
    const late = { ...replaced, askedAt: 99, doneAt: 100 };
    expect(() => historyOf(FIRST, [passed(100), late], true)).toThrow('invariant 7');
    const history = historyOf(FIRST, [passed(100), late], false);
    expect(isAlive(history, 100)).toBe(true);
    expect(isAlive(history, 200)).toBe(false);
  });
});

describe('the outcomes of a race', () => {
  const there: History = { last: SECOND, destroyed: false, expired: false };
  const saved: Outcome = { name: 'save', actor: 0, result: 'done' };
  const updated: Outcome = { name: 'update', actor: 1, result: 'done' };
  const done = [saved, updated];

  test('acknowledged changes are present, and nothing else', () => {
    expect(() => ensureOutcomes(there, done)).not.toThrow();
    expect(() => ensureOutcomes(there, [saved])).toThrow('invariant 3');
    expect(() => ensureOutcomes(there, [...done, updated])).toThrow('invariant 3');
    expect(() => ensureOutcomes({ ...there, destroyed: true }, [saved, { ...updated, result: 'gone' }])).toThrow(
      'invariant 3',
    );
  });

  test('no answer is "gone" while the session exists', () => {
    expect(() => ensureOutcomes(there, [...done, { name: 'touch', actor: 2, result: 'gone' }])).toThrow(
      'touch was refused',
    );
    expect(() =>
      ensureOutcomes({ ...there, expired: true }, [...done, { name: 'touch', actor: 2, result: 'gone' }]),
    ).not.toThrow();
  });

  test('only a rotation is refused for a replaced token', () => {
    expect(() => ensureOutcomes(there, [...done, { name: 'rotate', actor: 2, result: 'replaced' }])).not.toThrow();
    expect(() => ensureOutcomes(there, [...done, { name: 'touch', actor: 2, result: 'replaced' }])).toThrow(
      'as if it were a rotation',
    );
  });

  test('destroy is never refused, and ends the session', () => {
    const destroyed: Outcome = { name: 'destroy', actor: 2, result: 'done' };
    expect(() => ensureOutcomes({ ...there, destroyed: true }, [...done, { ...destroyed, result: 'gone' }])).toThrow(
      'invariant 5',
    );
    expect(() => ensureOutcomes(there, [...done, destroyed])).toThrow('invariant 5');
    expect(() => ensureOutcomes({ ...there, destroyed: true }, [...done, destroyed])).not.toThrow();
  });
});

test('no call rotates with a token that an immediate rotation has ended', () => {
  const by = (actor: number): Step => ({ ...replaced, actor });
  const immediately: Outcome = { name: 'rotate immediately', actor: 0, result: 'done', token: 'x' };
  const rotated: Outcome = { name: 'rotate', actor: 1, result: 'done', token: 'y' };
  const saved: Outcome = { name: 'save', actor: 2, result: 'done' };
  expect(() => ensureRotationsEnd([by(1), by(0), by(2)], [immediately, rotated, saved])).not.toThrow();
  expect(() => ensureRotationsEnd([by(0), by(1)], [immediately, rotated])).toThrow('could still rotate');
  expect(() => ensureRotationsEnd([by(0), by(1)], [immediately, { ...immediately, actor: 1 }])).toThrow(
    'could still rotate immediately',
  );
  expect(() => ensureRotationsEnd([by(0)], [immediately, { name: 'rotate', actor: 1, result: 'gone' }])).not.toThrow();
});
