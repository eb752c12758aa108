import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeRecord, encodeBody } from '../../../src/core/record/codec.js';
import { MINUTE, recognise, standingOf } from '../../../src/core/record/match.js';
import { firstUse, rotate } from '../../../src/core/record/rotation.js';
import type { SessionState } from '../../../src/core/record/state.js';
import { type Credential, legacyCredential, parseToken } from '../../../src/core/record/token.js';
import type { SessionRecord } from '../../../src/core/store.js';
import { GRACE, stored } from './support/tokens.js';

/** A record as version 0.1.0 left it in its store, and the tokens that it had issued. */
interface Former {
  readonly name: string;
  readonly writtenAt: number;
  readonly tokens: Readonly<Record<'current' | 'pending' | 'previous', string | undefined>>;
  readonly record: SessionRecord;
}

const file = new URL('../../fixtures/records-0.1.0.json', import.meta.url);
const records: readonly Former[] = JSON.parse(readFileSync(file, 'utf8'));

function former(name: string) {
  const found = records.find((each) => each.name === name);
  if (!found) throw new Error(`no record ${name}`);
  const { record, tokens, writtenAt } = found;
  return { record, state: decodeRecord(record), now: writtenAt, tokens: { ...tokens, ...credentialsOf(found) } };
}

function credentialsOf({ tokens }: Former): Readonly<Record<'current' | 'pending' | 'previous', Credential>> {
  const credential = (token: string | undefined) =>
    parseToken(token ?? '', 'ts_') ?? legacyCredential(`old:${token ?? 'none'}`, token ?? 'none');
  return {
    current: credential(tokens.current),
    pending: credential(tokens.pending),
    previous: credential(tokens.previous),
  };
}

/** Rewrites a body as version 0.1.0 does: it keeps what it knows, two elements of each token. */
function writtenByFormer(state: SessionState): SessionState {
  const { v, k, n, o, a, l, m, d } = JSON.parse(encodeBody(state, 65_536));
  const body = { v, k, ...(n && { n: n.slice(0, 2) }), ...(o && { o: o.slice(0, 2) }), a, l, ...(m && { m }), d };
  return decodeRecord({ id: 'x', version: 'v', createdAt: 0, expiresAt: 0, body: JSON.stringify(body) });
}

const holding = (...credentials: Credential[]) => ({ credentials, replaced: false });
const timing = (now: number) => ({ now, grace: GRACE });

describe('rule 27: records of version 0.1.0', () => {
  test.each(records.map(({ name }) => name))(
    '%s: the tokens open the session, before and after a write by this version',
    (name) => {
      const { state, tokens, record, now } = former(name);
      for (const read of [state, stored(state, record.id)]) {
        expect(recognise(read.tokens, tokens.current, now)).toBe('current');
        if (read.tokens.pending) expect(recognise(read.tokens, tokens.pending, now)).toBe('pending');
        expect(read.stored).toEqual({ userId: 'ann', views: 3 });
      }
    },
  );

  test('plain: rotates, and has a family afterwards', () => {
    const { state, tokens, record, now } = former('plain');
    expect(state.tokens.family).toBeUndefined();
    const outcome = rotate(state, record.id, holding(tokens.current), {}, timing(now));
    expect(outcome).toMatchObject({ kind: 'write', state: { tokens: { family: tokens.current.familyHash() } } });
  });

  test('pending: cannot be derived, so rotations are refused for a minute and then replace it', () => {
    for (const [name, request] of [
      ['pending', {}],
      ['pending', { reauthenticated: true }],
      ['pending-reauthenticated', {}],
      ['pending-reauthenticated', { reauthenticated: true }],
    ] as const) {
      const { state, tokens, record, now } = former(name);
      const at = (time: number) => rotate(state, record.id, holding(tokens.current), request, timing(time));
      expect([at(now), at(now + MINUTE - 1)]).toEqual(Array(2).fill({ kind: 'refuse', why: 'waiting' }));
      expect(at(now + MINUTE)).toMatchObject({ kind: 'write', made: true });
    }
  });

  test('pending: a write by this version does not restart the minute', () => {
    const { state, tokens, record, now } = former('pending');
    const active = stored({ ...state, lastActiveAt: now + MINUTE }, record.id);
    expect(rotate(active, record.id, holding(tokens.current), {}, timing(now + MINUTE))).toMatchObject({
      kind: 'write',
    });
  });

  test('pending: its first use makes it current, and adds its family', () => {
    const { state, tokens, now } = former('pending-reauthenticated');
    const used = stored(firstUse(state, tokens.pending, timing(now)));
    expect(used.tokens.family).toBe(tokens.pending.familyHash());
    expect(standingOf(used, [tokens.pending], now)).toEqual({ replaced: false, authenticatedAt: now });
    expect(standingOf(used, [tokens.current], now)).toEqual({ replaced: true, authenticatedAt: now - 3_600_000 });
    expect(recognise(used.tokens, tokens.current, now + GRACE + MINUTE)).toBe('reused');
  });

  test('previous: opens the session in its grace without freshness, and gets no successor', () => {
    const { state, tokens, record, now } = former('previous');
    expect(standingOf(state, [tokens.previous], now)).toEqual({ replaced: true, authenticatedAt: 0 });
    for (const request of [{}, { reauthenticated: true }]) {
      const late = rotate(state, record.id, holding(tokens.previous), request, timing(now));
      expect(late).toEqual({ kind: 'refuse', why: 'replaced' });
    }
    const seen = [GRACE - 1, GRACE, GRACE + MINUTE].map((after) =>
      recognise(state.tokens, tokens.previous, now + after),
    );
    expect(seen).toEqual(['grace', 'replaced-recently', 'reused']);
  });

  test('immediate: every server refuses the old token, which is a reuse after a minute', () => {
    const { state, tokens, now, record } = former('immediate');
    for (const read of [state, stored(state, record.id)]) {
      const seen = [-3_600_000, -5_000, 0, MINUTE - 1, MINUTE].map((after) =>
        recognise(read.tokens, tokens.previous, now + after),
      );
      expect(seen).toEqual([...Array(4).fill('replaced-recently'), 'reused']);
    }
  });

  test("moved sessions: the issued token is derived again from the old library's", () => {
    const { state, tokens, record, now } = former('migrated-pending');
    expect(state.tokens.pending).toMatchObject({ kind: 'plain', salt: state.migration?.nonce });
    const outcome = rotate(state, record.id, holding(tokens.current), {}, timing(now));
    expect(outcome).toMatchObject({ kind: 'answer', credential: { hash: tokens.pending.hash } });
    const used = stored(firstUse(state, tokens.pending, timing(now)));
    expect(rotate(used, record.id, holding(tokens.current), {}, timing(now))).toMatchObject({
      kind: 'answer',
      credential: { hash: tokens.pending.hash },
    });
  });

  test('moved sessions: the first rotation is derived with the nonce, as in version 0.1.0', () => {
    const { state, tokens, record, now } = former('migrated');
    const outcome = rotate(state, record.id, holding(tokens.current), {}, timing(now));
    expect(outcome).toMatchObject({ kind: 'write', made: true });
    if (outcome.kind !== 'write') return;
    expect(outcome.credential.hash).toBe(tokens.current.successor(state.migration?.nonce ?? '').hash);
    expect(rotate(writtenByFormer(outcome.state), record.id, holding(tokens.current), {}, timing(now))).toMatchObject({
      kind: 'answer',
      credential: { hash: outcome.credential.hash },
    });
  });
});

describe('rule 27: a rolling deploy, in which version 0.1.0 writes what this version wrote', () => {
  test('a pending token stays valid, and rotations with it are refused for a minute', () => {
    const { state, tokens, record, now } = former('plain');
    const made = rotate(state, record.id, holding(tokens.current), {}, timing(now));
    if (made.kind !== 'write') throw new Error(made.kind);
    const read = writtenByFormer({ ...made.state, lastActiveAt: now + 5_000 });
    expect(recognise(read.tokens, made.credential, now)).toBe('pending');
    const at = (time: number) => rotate(read, record.id, holding(tokens.current), {}, timing(time));
    expect(at(now + 5_000)).toEqual({ kind: 'refuse', why: 'waiting' });
    expect(at(now + 5_000 + MINUTE)).toMatchObject({ kind: 'write', made: true });
    const used = firstUse(read, made.credential, timing(now));
    expect(used.tokens.family).toBe(tokens.current.familyHash());
  });

  test('a replaced token loses its freshness, and tokens ended by immediate stay ended', () => {
    const { state, tokens, record, now } = former('plain');
    const made = rotate(state, record.id, holding(tokens.current), { reauthenticated: true }, timing(now));
    if (made.kind !== 'write') throw new Error(made.kind);
    const used = writtenByFormer(firstUse(made.state, made.credential, timing(now)));
    expect(standingOf(used, [tokens.current], now)).toEqual({ replaced: true, authenticatedAt: 0 });
    expect(rotate(used, record.id, holding(tokens.current), { reauthenticated: true }, timing(now)).kind).toBe(
      'refuse',
    );

    const ended = rotate(state, record.id, holding(tokens.current), { immediate: true }, timing(now));
    if (ended.kind !== 'write') throw new Error(ended.kind);
    const left = writtenByFormer(ended.state);
    expect(recognise(left.tokens, tokens.current, now)).toBe('unknown');
    expect(recognise(left.tokens, ended.credential, now)).toBe('current');
  });
});
