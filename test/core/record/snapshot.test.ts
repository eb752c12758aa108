import { describe, expect, test } from 'vitest';
import { decodeRecord } from '../../../src/core/record/codec.js';
import {
  firstSnapshot,
  nextSnapshot,
  type RecordSettings,
  type Snapshot,
  touchedSnapshot,
} from '../../../src/core/record/snapshot.js';
import { activityIn, newCredential } from '../../../src/core/record/token.js';
import { START } from './support/tokens.js';

const IDLE = 100_000;
const HALF = IDLE / 2;
const settings: RecordSettings = {
  limits: { idle: IDLE, absolute: 10 * IDLE },
  maxDataBytes: 1_000,
  ownerOf: undefined,
  now: () => START,
};
const owned: RecordSettings = { ...settings, ownerOf: () => 'ann' };

/** A snapshot as it is after its record was read from a store. */
function read(snapshot: Snapshot): Snapshot {
  return { ...snapshot, state: decodeRecord(snapshot.record) };
}

function begun(ownerId?: string): Snapshot {
  const { id, hash } = newCredential();
  const state = { tokens: { current: hash }, authenticatedAt: START, lastActiveAt: START, stored: { a: 1 } };
  return read(firstSnapshot(id, ownerId, { state, data: { a: 1 } }, settings));
}

function touched(from: Snapshot, lastActiveAt: number, used = settings): Snapshot | null {
  return touchedSnapshot(from, { state: { ...from.state, lastActiveAt }, data: from.data }, used);
}

describe('a touch', () => {
  test('leaves the body as it is until the activity in it is older than half the idle limit', () => {
    const first = begun();
    const next = touched(first, START + HALF);
    expect(next?.record.body).toBe(first.record.body);
    expect(next?.record.expiresAt).toBe(START + HALF + IDLE);
    expect(activityIn(next?.record.version ?? '')).toBe(START + HALF);
    expect(touched(first, START + HALF + 1)).toBeNull();
  });

  test('counts from the activity in the body, not from the creation', () => {
    const first = begun();
    const later = START + IDLE - 1;
    const second = read(
      nextSnapshot(first, { state: { ...first.state, lastActiveAt: later }, data: first.data }, settings),
    );
    expect(touched(second, later + HALF)?.record.body).toBe(second.record.body);
    expect(touched(second, later + HALF + 1)).toBeNull();
  });

  test('counts from the creation where the body is new', () => {
    const { origin: _, ...state } = begun().state;
    const fresh = { ...begun(), state };
    expect(touched(fresh, START + HALF)).not.toBeNull();
    expect(touched(fresh, START + HALF + 1)).toBeNull();
  });

  test('writes the whole record for anything but activity', () => {
    const from = begun();
    for (const change of [{ authenticatedAt: START + 1 }, { stored: { a: 2 } }, { tokens: { current: 'x' } }]) {
      expect(touchedSnapshot(from, { state: { ...from.state, ...change }, data: from.data }, settings)).toBeNull();
    }
    const migration = { stage: 'done', nonce: 'n' } as const;
    expect(touchedSnapshot(from, { state: { ...from.state, migration }, data: from.data }, settings)).toBeNull();
    expect(touchedSnapshot(from, { state: from.state, data: { a: 2 } }, settings)).toBeNull();
  });
});

describe('rule 27: the owner of a session that is older than ownerOf', () => {
  test('is written by the next touch, which writes the whole record', () => {
    expect(touched(begun(), START + 1, owned)).toBeNull();
    expect(touched(begun('ann'), START + 1, owned)?.record.ownerId).toBe('ann');
  });

  test('is written by the next write, and never changes', () => {
    const next = (from: Snapshot, used: RecordSettings) =>
      nextSnapshot(from, { state: from.state, data: from.data }, used).record;
    expect(next(begun(), owned).ownerId).toBe('ann');
    expect(next(begun('eve'), owned).ownerId).toBe('eve');
    expect(Object.keys(next(begun(), settings))).not.toContain('ownerId');
  });

  test('is left out where ownerOf does not understand the data', () => {
    const throwing: RecordSettings = {
      ...settings,
      ownerOf: () => {
        throw new Error('no user');
      },
    };
    expect(touched(begun(), START + 1, throwing)?.record.ownerId).toBeUndefined();
    expect(touched(begun(), START + 1, { ...settings, ownerOf: () => '' })?.record.ownerId).toBeUndefined();
  });
});

describe('rule 27: data that is larger than a lowered maxDataBytes', () => {
  const lowered: RecordSettings = { ...settings, maxDataBytes: 6 };

  test('goes on with the session, whatever else is written', () => {
    const from = begun();
    const lastActiveAt = START + HALF + 1;
    expect(nextSnapshot(from, { state: { ...from.state, lastActiveAt }, data: from.data }, lowered)).toMatchObject({
      record: { expiresAt: lastActiveAt + IDLE },
    });
  });

  test('is measured when it changes', () => {
    const from = begun();
    const data = { a: 2 };
    expect(() => nextSnapshot(from, { state: { ...from.state, stored: data }, data }, lowered)).toThrow(
      /maxDataBytes \(6\)/,
    );
  });
});
