import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { hostOf } from '../../../src/http/host.js';
import { createSessions, memoryStore, type SessionRecord } from '../../../src/index.js';
import { countingStore } from '../../support/counting-store.js';

/*
 * Records that version 0.1.0 has written, alone (`records-0.1.0.json`), and beside this version in
 * a rolling deploy (`rewritten-by-0.1.0.json`): `before` was written by this version, `after` by
 * version 0.1.0, both by running them.
 */

type Tokens = Readonly<Partial<Record<'current' | 'pending' | 'previous' | 'ended', string>>>;

interface Former {
  readonly name: string;
  readonly writtenAt: number;
  readonly tokens: Tokens;
  readonly record: SessionRecord;
}

interface Rewritten {
  readonly name: string;
  readonly at: number;
  readonly tokens: Tokens;
  readonly before: SessionRecord;
  readonly after: SessionRecord;
}

interface Data {
  userId: string;
  views: number;
}

function fixture<Entry>(name: string): readonly Entry[] {
  return JSON.parse(readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), 'utf8'));
}

const MINUTE = 60_000;
const GRACE = 10_000;
const REPLACED = { code: 'TOKEN_REPLACED' };

function ended({ previous, ...others }: Tokens): Tokens {
  return { ...others, ...(previous !== undefined && { ended: previous }) };
}

/** Records with a token of ours. Other tests move the sessions of other libraries. */
const former = fixture<Former>('records-0.1.0.json')
  .filter(({ tokens }) => tokens.current?.startsWith('ts_'))
  // A token that immediate ended takes the place of a previous token.
  .map(({ name, writtenAt, tokens, record }) => ({
    name,
    at: writtenAt,
    record,
    tokens: name === 'immediate' ? ended(tokens) : tokens,
  }));
const rewritten = fixture<Rewritten>('rewritten-by-0.1.0.json');
const entries = [
  ...former.map((each) => [`written by 0.1.0: ${each.name}`, each] as const),
  ...rewritten.map((each) => [`rewritten by 0.1.0: ${each.name}`, { ...each, record: each.after }] as const),
];
const waiting = entries.filter(([, { tokens }]) => tokens.pending !== undefined);
const free = entries.filter(([, { tokens }]) => tokens.pending === undefined);

async function open({ record, at }: { readonly record: SessionRecord; readonly at: number }) {
  const clock = { now: at };
  const store = memoryStore({ now: () => at });
  await store.insert(record, record.expiresAt - at);
  const sessions = createSessions<Data>({ store, now: () => clock.now, rotationGrace: GRACE });
  const events: string[] = [];
  for (const name of ['reuse-detected', 'invalid-data', 'destroyed'] as const)
    sessions.on(name, () => events.push(name));
  const use = async (token = '') => (await sessions.fromToken(token)).session;
  const rotate = async (token = '', how = {}) => (await use(token))?.rotate(how);
  return { clock, sessions, store, events, use, rotate };
}

describe('rule 27: a session continues after an upgrade, and in a rolling deploy', () => {
  test.each(entries)('%s: its tokens open it, and ended tokens do not', async (_name, entry) => {
    const { tokens } = entry;
    const { use, events } = await open(entry);
    expect((await use(tokens.current))?.data).toMatchObject({ userId: 'ann' });
    if (tokens.previous) expect(await use(tokens.previous)).not.toBeNull();
    if (tokens.pending) expect(await use(tokens.pending)).not.toBeNull();
    expect(await use(tokens.current)).not.toBeNull();
    expect(await use(tokens.ended)).toBeNull();
    expect(events).toEqual([]);
  });

  test.each(entries)('%s: it can be changed, and its tokens still work', async (_name, entry) => {
    const { use } = await open(entry);
    await (await use(entry.tokens.current))?.update((data) => {
      data.views = 5;
    });
    for (const token of [entry.tokens.current, entry.tokens.pending]) {
      if (token) expect((await use(token))?.data).toEqual({ userId: 'ann', views: 5 });
    }
  });

  test.each(free)('%s: it rotates, with one answer for all, and then has a family', async (_name, entry) => {
    const { clock, rotate, use, events } = await open(entry);
    const { current } = entry.tokens;
    const [one, other] = await Promise.all([rotate(current), rotate(current)]);
    expect(one).toBe(other);
    const last = await rotate(one);
    await use(last);
    clock.now += GRACE + MINUTE;
    expect(await use(current)).toBeNull();
    expect(events).toEqual(['reuse-detected']);
    expect(await use(last)).not.toBeNull();
  });

  test.each(waiting)(
    '%s: the pending token cannot be derived: a rotation is refused for at most a minute',
    async (_name, entry) => {
      const { clock, rotate, use } = await open(entry);
      const { current, pending } = entry.tokens;
      for (const how of [{}, { reauthenticated: true }])
        await expect(rotate(current, how)).rejects.toMatchObject(REPLACED);
      clock.now += MINUTE;
      const next = await rotate(current);
      expect(next).not.toBe(pending);
      expect(await use(next)).not.toBeNull();
    },
  );

  test.each(waiting)('%s: the client that has the pending token continues with it', async (_name, entry) => {
    const { clock, rotate, use } = await open(entry);
    const next = await rotate(entry.tokens.pending);
    clock.now += MINUTE;
    expect(await use(next)).not.toBeNull();
  });

  test.each(entries.filter(([, { tokens }]) => tokens.previous))(
    '%s: a replaced token has no freshness, and cannot rotate',
    async (_name, entry) => {
      const { rotate, use } = await open(entry);
      expect((await use(entry.tokens.previous))?.authenticatedAt).toBe(0);
      for (const how of [{}, { reauthenticated: true }, { immediate: true }]) {
        await expect(rotate(entry.tokens.previous, how)).rejects.toMatchObject(REPLACED);
      }
    },
  );

  test.each(entries.filter(([, { tokens }]) => tokens.ended))(
    '%s: tokens ended by immediate stay ended, whatever the clock says',
    async (_name, entry) => {
      const { clock, use } = await open(entry);
      for (const skew of [-3_600_000, -5_000, 0, 3_600_000]) {
        clock.now = entry.at + skew;
        expect(await use(entry.tokens.ended)).toBeNull();
      }
    },
  );
});

test.each(rewritten.map((each) => [each.name, each] as const))(
  'version 0.1.0 keeps what it knows: %s',
  (_name, { before, after, name }) => {
    const [ours, theirs] = [JSON.parse(before.body), JSON.parse(after.body)];
    expect(Object.keys(theirs).filter((key) => !'vknoald'.includes(key))).toEqual([]);
    // Version 0.1.0 rotated the others, or used them for the first time.
    if (name.endsWith('0.1.0') || name === 'pending-used') return;
    expect(theirs).toMatchObject({ k: ours.k, a: ours.a });
    for (const key of ['n', 'o']) expect(theirs[key]).toEqual(ours[key]?.slice(0, 2));
  },
);

describe('rule 20: streams in a rolling deploy', () => {
  test('a stream that was opened after an immediate rotation continues when version 0.1.0 drops the epoch', async () => {
    const entry = rewritten.find(({ name }) => name === 'immediate');
    if (!entry?.tokens.current) throw new Error('no such entry');
    const { before, after, at, tokens } = entry;
    const memory = memoryStore({ now: () => at });
    await memory.insert(before, 3_600_000);
    const store = countingStore(memory);
    const sessions = createSessions<Data>({ store, now: () => at, recheckInterval: 20 });
    const headers = { authorization: `Bearer ${tokens.current}` };
    const call = hostOf(sessions)
      .open({ key: undefined, headers, target: { kind: 'collect' } })
      .open({ hasOutcome: true });
    await call.load();
    const ended: unknown[] = [];
    const stop = call.watchEnd((reason) => ended.push(reason));
    await memory.replace(after, before.version, 3_600_000);
    const looked = store.calls.find;
    await vi.waitFor(() => expect(store.calls.find).toBeGreaterThan(looked + 3), 5_000);
    expect(ended).toEqual([]);
    await (await sessions.fromToken(tokens.current)).session?.rotate({ immediate: true });
    await vi.waitFor(() => expect(ended).toHaveLength(1), 5_000);
    stop();
    await sessions.close();
  });
});
