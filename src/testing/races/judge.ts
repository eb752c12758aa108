import { decodeRecord } from '../../core/record/codec.js';
import type { SessionRecord } from '../../core/store.js';
import { ContractError, ensure, ensureEqual } from '../kit/assert.js';
import type { Step } from './gate.js';
import { fieldOf, type Outcome, type RaceData, ROTATED_BY } from './operations.js';

/** The store's part in a race, as its answers show it. */
export interface History {
  /** The record that was written last. */
  readonly last: SessionRecord;
  readonly destroyed: boolean;
  /** Whether the deadline of the record at some time passed while it was stored. */
  readonly expired: boolean;
}

/**
 * Goes through the steps of a race. `forgets`: the store forgets a record at its deadline, so that
 * no write can follow. Otherwise a write that was running may still arrive, which counts as
 * activity before the deadline.
 *
 * @throws if the store or the library wrote an ended session
 */
export function historyOf(first: SessionRecord, steps: readonly Step[], forgets: boolean): History {
  let history: History = { last: first, destroyed: false, expired: false };
  for (const step of steps) history = after(history, step, forgets);
  return history;
}

function after(history: History, { verb, record, result, askedAt, doneAt }: Step, forgets: boolean): History {
  const { last, destroyed, expired } = history;
  if (verb === 'insert') throw new ContractError('invariant 2: something else than create has inserted');
  if (verb === 'delete' && result === true) return { ...history, destroyed: true };
  if (verb === 'clock') return { ...history, expired: expired || doneAt >= last.expiresAt };
  if (verb !== 'replace' || result !== 'replaced' || !record) return history;
  ensure(!destroyed, 'invariant 2: a session was written after its record had been deleted');
  ensure(askedAt < last.expiresAt, 'invariant 7: a session was written whose deadline had passed');
  ensure(!(expired && forgets), 'invariant 7: a session was written that had expired');
  return { ...history, last: record };
}

export function isAlive({ last, destroyed }: History, now: number): boolean {
  return !destroyed && now < last.expiresAt;
}

/**
 * Checks that each outcome is correct, and that the last written record holds exactly the
 * acknowledged changes.
 */
export function ensureOutcomes(history: History, outcomes: readonly Outcome[]): void {
  const { last, destroyed, expired } = history;
  for (const { name, result } of outcomes) {
    ensure(result !== 'gone' || destroyed || expired, `${name} was refused though the session had not ended`);
    ensure(result !== 'replaced' || name in ROTATED_BY, `${name} was refused as if it were a rotation`);
    if (name === 'destroy') ensure(result !== 'gone', 'invariant 5: destroy of what has ended was refused');
    if (name === 'destroy' && result === 'done')
      ensure(destroyed || expired, 'invariant 5: destroy has resolved, and the session has not ended');
  }
  ensureEqual(decodeRecord(last).stored, dataAfter(outcomes), 'invariant 3: the data written last');
}

/** The data with exactly the acknowledged changes. */
function dataAfter(outcomes: readonly Outcome[]): RaceData {
  const data: RaceData = { count: 0 };
  for (const { name, actor, result } of outcomes) {
    if (result !== 'done') continue;
    if (name === 'save') data[fieldOf(actor)] = actor;
    if (name === 'update') data['count'] = Number(data['count']) + 1;
  }
  return data;
}

/**
 * Checks that an immediate rotation has ended all tokens: no actor with one of them rotated after
 * it. For actors with stores of their own.
 */
export function ensureRotationsEnd(steps: readonly Step[], outcomes: readonly Outcome[]): void {
  const writtenAt = ({ actor }: Outcome) =>
    steps.findLastIndex((step) => step.actor === actor && step.result === 'replaced');
  const rotations = outcomes.filter(({ token }) => token !== undefined);
  for (const immediate of rotations.filter(({ name }) => name === 'rotate immediately')) {
    const later = rotations.find((other) => writtenAt(other) > writtenAt(immediate));
    ensure(!later, `a token that an immediate rotation had ended could still ${later?.name}`);
  }
}
