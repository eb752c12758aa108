import type { SessionRecord, SessionStore, TouchedRecord } from '../../core/store.js';
import { ensure, ensureEqual, ensureRecord, present } from '../kit/assert.js';
import type { Kit, TestContext } from '../kit/context.js';
import { HOUR, newRecord, rewritten, together } from '../kit/records.js';

/** `touch`: a write of only the version and the deadline. */
export function touchTests({ test, options, has }: Kit): void {
  test('rule 28: touch moves the version and the deadline, and nothing else', async ({ store, other, clock }) => {
    const body = `{"text":"${'x'.repeat(60_000)}"}`;
    const records = [newRecord(clock, { ownerId: 'ada', body }), newRecord(clock)];
    for (const record of records) await store.insert(record, HOUR);
    for (const record of records) {
      let stored = record;
      // Versions and times of several lengths, because a store may write a text of the same length
      // in place.
      for (const [version, ahead] of [
        ['v1', 1],
        ['v2', 2],
        ['a'.repeat(64), 5e13],
        ['v3', 3],
      ] as const) {
        const next = { ...stored, version, expiresAt: record.expiresAt + ahead };
        ensureEqual(await touch(store, next, stored.version), 'replaced', 'touch');
        ensureRecord(await other.find(record.id), next, 'the record after a touch');
        stored = next;
      }
      const replaced = rewritten(stored);
      ensureEqual(await other.replace(replaced, stored.version, HOUR), 'replaced', 'replace after a touch');
      ensureRecord(await store.find(record.id), replaced, 'the record after a replace');
    }
  });

  test('invariant 2: touch of a missing record writes nothing', async ({ store, clock }) => {
    const [missing, deleted] = [newRecord(clock), newRecord(clock, { ownerId: 'ada' })];
    await store.insert(deleted, HOUR);
    await store.delete(deleted.id);
    for (const record of [missing, deleted]) {
      ensureEqual(await touch(store, rewritten(record), record.version), 'gone', 'touch of a missing record');
      ensureEqual(await store.find(record.id), null, 'what it left');
    }
  });

  test('invariant 3: touch with a version other than the stored one writes nothing', async ({ store, clock }) => {
    const first = newRecord(clock);
    const second = rewritten(first);
    await store.insert(first, HOUR);
    await store.replace(second, first.version, HOUR);
    for (const version of [first.version, second.version.slice(0, -1), `${second.version}0`]) {
      ensureEqual(
        await touch(store, rewritten(second), version),
        'conflict',
        `touch of ${second.version} expecting ${version}`,
      );
    }
    ensureRecord(await store.find(first.id), second, 'the stored record');
  });

  test('invariant 3: exactly one of a touch and a replace with one expected version succeeds', async (context) => {
    for (let round = 0; round < 10; round += 1) await raceTouches(context);
  });

  test('invariant 2: a touch that races a delete restores nothing', async ({ store, other, clock }) => {
    for (let round = 0; round < 20; round += 1) {
      const record = newRecord(clock, { ownerId: 'ada' });
      await store.insert(record, HOUR);
      const calls = [() => touch(store, rewritten(record), record.version), () => other.delete(record.id)];
      const answers = await Promise.all((round % 2 ? calls : calls.toReversed()).map((call) => call()));
      ensure(answers.includes(true), `delete did not find a record that was there: ${answers}`);
      ensureEqual(await store.find(record.id), null, `what is left after ${answers}`);
    }
  });

  if (has('listByOwner')) {
    test('listByOwner returns a record as last touched', async ({ store, other, clock }) => {
      const record = newRecord(clock, { ownerId: 'ada' });
      await store.insert(record, HOUR);
      const next = { ...record, version: 'touched', expiresAt: record.expiresAt + 50 * HOUR };
      await touch(other, next, record.version, 51 * HOUR);
      const [listed, ...more] = present(await store.listByOwner?.('ada'), 'a list');
      ensureRecord(listed, next, 'the listed record');
      ensureEqual(more, [], 'other records');
    });
  }

  if (options.capabilities.expires !== 'injected clock') return;
  test('the ttl of a touch replaces the old one, whether longer or shorter', async ({ store, clock }) => {
    const [longer, shorter] = [newRecord(clock), newRecord(clock)];
    for (const record of [longer, shorter]) await store.insert(record, 1_000);
    clock.advance(500);
    await touch(store, rewritten(longer), longer.version, 1_000);
    await touch(store, rewritten(shorter), shorter.version, 100);
    clock.advance(99);
    ensure((await store.find(shorter.id)) !== null, 'the shorter one is gone before its time');
    // At exactly that moment, either is allowed.
    clock.advance(2);
    ensureEqual(await store.find(shorter.id), null, 'the shorter one');
    clock.advance(898);
    ensure((await store.find(longer.id)) !== null, 'the longer one is gone before its time');
    clock.advance(2);
    ensureEqual(await store.find(longer.id), null, 'the longer one');
  });
}

async function touch(store: SessionStore, record: SessionRecord, expectedVersion: string, ttl = HOUR) {
  const { body: _, ...touched }: SessionRecord = record;
  const given: TouchedRecord = touched;
  return present(await store.touch?.(given, expectedVersion, ttl), 'an answer');
}

async function raceTouches({ store, other, clock }: TestContext): Promise<void> {
  const first = newRecord(clock, { ownerId: 'ada' });
  await store.insert(first, HOUR);
  const records = Array.from({ length: 8 }, () => rewritten(first));
  const answers = await together(records.length, (writer) => {
    const record = present(records[writer], 'a record');
    const via = writer % 2 === 0 ? store : other;
    return writer % 4 < 2 ? touch(via, record, first.version) : via.replace(record, first.version, HOUR);
  });
  ensureEqual(answers.filter((each) => each === 'replaced').length, 1, 'writes that were answered');
  const winner = answers.indexOf('replaced');
  const record = present(records[winner], 'the answered one');
  ensureRecord(
    await store.find(first.id),
    winner % 4 < 2 ? { ...record, body: first.body } : record,
    'the stored one',
  );
}
