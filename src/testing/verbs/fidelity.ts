import { NEVER } from '../../core/record/deadline.js';
import type { SessionRecord } from '../../core/store.js';
import { ensureEqual, ensureRecord, present } from '../kit/assert.js';
import { type Kit, storable, type TestContext } from '../kit/context.js';
import { HOSTILE_DATA } from '../kit/hostile-data.js';
import { OWNERS } from '../kit/owner-names.js';
import { bodyOf, HOUR, newId, newRecord, rewritten } from '../kit/records.js';

/** A store returns the content of a record exactly, and shares no object with the caller. */
export function fidelityTests(kit: Kit): void {
  const { test } = kit;

  test('ids of every valid form are kept apart', async (context) => {
    const ids = [
      '00000000-0000-7000-8000-000000000000',
      'ffffffff-ffff-7fff-bfff-ffffffffffff',
      '0123e456-7e89-7e01-9e23-4e5678e90123',
    ];
    await eachKept(
      context,
      ids.map((id) => ({ id })),
    );
  });

  test('invariant 3: versions of every valid form are kept and compared exactly', async (context) => {
    await eachKept(
      context,
      VERSIONS.map((version) => ({ version })),
    );
    for (const version of VERSIONS) await comparesVersion(context, version);
  });

  test('owners of every valid form are kept, and a missing owner stays missing', async (context) => {
    await eachKept(
      context,
      OWNERS.map((ownerId) => ({ ownerId })),
    );
    await eachKept(context, [{}]);
  });

  test('times are kept to the millisecond, including those of sessions without limits', async (context) => {
    const now = context.clock.now();
    await eachKept(context, [
      { createdAt: now - 1, expiresAt: now + 1 },
      { createdAt: 1, expiresAt: 4_102_444_800_001 },
      { createdAt: 2 ** 31, expiresAt: 2 ** 43 },
    ]);
    const unlimited = newRecord(context.clock, { expiresAt: NEVER });
    await context.store.insert(unlimited, NEVER - now);
    ensureRecord(await context.store.find(unlimited.id), unlimited, 'a session without limits');
    ensureEqual(await context.store.replace(unlimited, unlimited.version, NEVER - now), 'replaced', 'replace of it');
  });

  test('invariant 9: bodies are kept exactly, whatever data they hold', async (context) => {
    await eachKept(
      context,
      HOSTILE_DATA.map((data) => ({ body: bodyOf(storable(context, data)) })),
    );
  });

  test('bodies of every size are kept', async (context) => {
    const sizes = [0, 1, 255, 4_096, 65_535, 65_536, 70_000, 200_000];
    await eachKept(
      context,
      sizes.map((size) => ({ body: bodyOf(storable(context, 'x'.repeat(size))) })),
    );
    await eachKept(
      context,
      sizes.map((size) => ({ body: bodyOf(storable(context, '€'.repeat(size / 4))) })),
    );
  });

  if (kit.options.capabilities.anyBody !== false) {
    test('bodies are opaque: JSON that is not a session is kept in any spelling', async (context) => {
      await eachKept(
        context,
        TEXTS.map((body) => ({ body })),
      );
    });
  }

  test('a caller that changes the records it passed or received changes nothing in the store', async ({
    store,
    clock,
  }) => {
    const record = newRecord(clock, { ownerId: 'ada' });
    const passed = { ...record };
    await store.insert(passed, HOUR);
    spoil(passed);
    spoil(present(await store.find(record.id), 'the record'));
    ensureRecord(await store.find(record.id), record, 'the record');
    const next = { ...rewritten(record), ownerId: 'ada' };
    const passedNext = { ...next };
    ensureEqual(await store.replace(passedNext, record.version, HOUR), 'replaced', 'replace');
    spoil(passedNext);
    ensureRecord(await store.find(record.id), next, 'the new record');
  });

  test('a store does not change the records that it receives', async ({ store, clock }) => {
    const record = Object.freeze(newRecord(clock, { ownerId: 'ada' }));
    const next = Object.freeze(rewritten(record));
    ensureEqual(await store.insert(record, HOUR), 'inserted', 'insert of a frozen record');
    ensureEqual(await store.replace(next, record.version, HOUR), 'replaced', 'replace by a frozen record');
  });
}

const VERSIONS = [
  '0',
  '-',
  '_',
  '-1',
  '007',
  '1e3',
  'null',
  'true',
  'a',
  'A',
  '__proto__',
  'constructor',
  'NaN',
  'abcdefghijklmnop',
  'z'.repeat(64),
  `-_${'Zz09'.repeat(15)}`,
];

const TEXTS = [
  '{}',
  'null',
  '1',
  '""',
  '[ ]',
  ' {"a" : 1.0 , "b":1E+2}\r\n',
  '{"b":1,"a":2,"a":3}',
  '"\\u0061\\/"',
  '"\\u0000"',
  '12345678901234567890.10',
];

async function eachKept({ store, other, clock }: TestContext, all: readonly Partial<SessionRecord>[]): Promise<void> {
  for (const fields of all) {
    const first = newRecord(clock, fields);
    ensureEqual(await store.insert(first, HOUR), 'inserted', 'insert');
    ensureRecord(await other.find(first.id), first, 'after insert');
    const second = { ...rewritten(first), ...fields, version: `${first.version.slice(0, 60)}-2` };
    ensureEqual(await store.replace(second, first.version, HOUR), 'replaced', `replace of version ${first.version}`);
    ensureRecord(await other.find(first.id), second, 'after replace');
  }
}

async function comparesVersion({ store, clock }: TestContext, version: string): Promise<void> {
  const record = newRecord(clock, { id: newId(), version });
  await store.insert(record, HOUR);
  for (const close of versionsCloseTo(version)) {
    ensureEqual(
      await store.replace(rewritten(record), close, HOUR),
      'conflict',
      `replace of ${version} expecting ${close}`,
    );
    ensureEqual(
      await store.insert(rewritten(record, { version: close }), HOUR),
      'exists',
      `insert of ${close} where ${version} is`,
    );
  }
  ensureRecord(await store.find(record.id), record, 'the record');
}

function versionsCloseTo(version: string): string[] {
  const lastChanged = `${version.slice(0, -1)}Q`;
  const longer = `${version}0`;
  return [lastChanged, longer, swapCase(version)].filter((each) => each !== version && each.length <= 64);
}

function swapCase(text: string): string {
  return text.replace(/[A-Za-z]/g, (letter) =>
    letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
  );
}

function spoil(record: SessionRecord): void {
  for (const field of ['id', 'version', 'ownerId', 'body']) Reflect.set(record, field, 'spoilt');
  for (const field of ['createdAt', 'expiresAt']) Reflect.set(record, field, 1);
}
