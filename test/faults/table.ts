import { expect } from 'vitest';
import type { OwnStore } from './types.js';
import { type Outcome, type Scene, underLoad } from './under-load.js';

const HEAD = [
  'fault',
  'requests',
  '503',
  'refused as INVALID_DATA',
  'wrong answers',
  'lost writes',
  'unhandled rejections',
  'slowest failure, ms',
  'served again after, ms',
];

/** A table of faults and their outcomes, for the console. */
export function faultTable(title: string) {
  const lines: string[] = [];
  return {
    async load(name: string, config: OwnStore, fault: (scene: Scene) => Promise<void>): Promise<Outcome> {
      const outcome = await underLoad(config, fault);
      lines.push(lineOf(name, outcome));
      return outcome;
    },
    print() {
      if (lines.length > 0) console.info([title, '', row(HEAD), row(HEAD.map(() => '---')), ...lines].join('\n'));
    },
  };
}

function lineOf(name: string, outcome: Outcome): string {
  const { requests, codes, refused, wrongAnswers, lostWrites, unhandled, slowestFailure, recovery } = outcome;
  const figures = [requests, codes['STORE_UNAVAILABLE'] ?? 0, refused, wrongAnswers, lostWrites, unhandled.length];
  return row([name, ...figures, slowestFailure.toFixed(0), recovery.toFixed(0)]);
}

function row(cells: readonly unknown[]): string {
  return `| ${cells.join(' | ')} |`;
}

/**
 * No request was answered wrongly, no acknowledged write is lost, and all processes serve again.
 */
export function expectNothingWrong(outcome: Outcome): void {
  expectNoWrongAnswers(outcome);
  expect(outcome.lostWrites).toBe(0);
}

/** The same, for a store that may lose acknowledged writes itself. */
export function expectNoWrongAnswers({ wrongAnswers, surplusWrites, unhandled, codes, recovery }: Outcome): void {
  const others = Object.keys(codes).filter((code) => code !== 'STORE_UNAVAILABLE' && code !== 'INVALID_DATA');
  expect({ wrongAnswers, surplusWrites, unhandled, others }).toEqual({
    wrongAnswers: 0,
    surplusWrites: 0,
    unhandled: [],
    others: [],
  });
  expect(recovery).toBeLessThan(Number.POSITIVE_INFINITY);
}

/**
 * Damaged records are refused with an event, or served as anonymous if that is the policy. Other
 * records are served.
 */
export function expectDamageNoticed(outcome: Outcome): void {
  expectNothingWrong(outcome);
  const { unnoticed, refused, servedAnonymous, invalidDataEvents } = outcome;
  expect(unnoticed).toBe(0);
  expect(servedAnonymous).toBeGreaterThan(0);
  // Requests that were about to write together may have met the record together.
  expect(invalidDataEvents).toBeGreaterThan(0.9 * (refused + servedAnonymous));
}
