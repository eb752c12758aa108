import { ensure, ensureEqual, ensureRecord } from '../kit/assert.js';
import type { Kit, TestContext } from '../kit/context.js';
import { HOUR, newRecord, rewritten } from '../kit/records.js';

/** When a store may forget a record: after its `ttl` has passed, never before. */
export function expiryTests(kit: Kit): void {
  const { test } = kit;
  const { expires } = kit.options.capabilities;

  test('invariant 7: a record whose ttl has not passed exists, whatever its deadline by the library is', async ({
    store,
    clock,
  }) => {
    // The library's clock may differ from the store's. Only ttl counts.
    const records = [-1, 0, 1].map((sign) =>
      newRecord(clock, { expiresAt: Math.max(1, clock.now() + sign * 100 * 365 * 24 * HOUR) }),
    );
    for (const record of records) await store.insert(record, HOUR);
    for (const record of records)
      ensureRecord(await store.find(record.id), record, `a deadline of ${record.expiresAt}`);
    for (const record of records)
      ensureEqual(await store.replace(rewritten(record), record.version, HOUR), 'replaced', 'replace');
  });

  if (expires === 'injected clock') injectedClockTests(kit);
  if (expires === 'own clock') ownClockTests(kit);
  if (kit.has('sweep')) sweepTests(kit);
}

function injectedClockTests({ test }: Kit): void {
  test('a record is forgotten after its ttl, and not a millisecond before', async ({ store, clock }) => {
    const [record, longer] = [newRecord(clock, { ownerId: 'ada' }), newRecord(clock)];
    await store.insert(record, 1_000);
    // Not a whole second: some stores count in seconds, and must round up.
    await store.insert(longer, 1_999);
    clock.advance(999);
    ensureRecord(await store.find(record.id), record, 'one millisecond before');
    // At exactly that moment, either is allowed.
    clock.advance(2);
    await ensureForgotten({ store, record: rewritten(record), version: record.version });
    clock.advance(997);
    ensureRecord(await store.find(longer.id), longer, 'one millisecond before 1,999 ms have passed');
  });

  test('the ttl of a replace replaces the old one, whether longer or shorter', async ({ store, clock }) => {
    const [longer, shorter] = [newRecord(clock), newRecord(clock)];
    for (const record of [longer, shorter]) await store.insert(record, 1_000);
    clock.advance(500);
    await store.replace(rewritten(longer), longer.version, 1_000);
    await store.replace(rewritten(shorter), shorter.version, 100);
    clock.advance(99);
    ensure((await store.find(shorter.id)) !== null, 'the shorter one is gone before its time');
    clock.advance(2);
    ensureEqual(await store.find(shorter.id), null, 'the shorter one');
    clock.advance(898);
    ensure((await store.find(longer.id)) !== null, 'the longer one is gone before its time');
    clock.advance(2);
    ensureEqual(await store.find(longer.id), null, 'the longer one');
  });

  test('find does not renew a record', async ({ store, clock }) => {
    const record = newRecord(clock);
    await store.insert(record, 1_000);
    for (let i = 0; i < 10; i += 1) {
      await store.find(record.id);
      clock.advance(100);
    }
    clock.advance(1);
    ensureEqual(await store.find(record.id), null, 'a record that was only looked at');
  });
}

function ownClockTests({ test }: Kit): void {
  test('a record is forgotten after its ttl and never before, replace moves that time both ways, and find does not', async (context) => {
    const { store, clock, eventually } = context;
    const [plain, longer, shorter] = [newRecord(clock), newRecord(clock), newRecord(clock)];
    const started = performance.now();
    await Promise.all([store.insert(plain, 1_900), store.insert(longer, 1_900), store.insert(shorter, HOUR)]);
    await store.replace(rewritten(longer), longer.version, HOUR);
    await store.replace(rewritten(shorter), shorter.version, 1_900);
    while (performance.now() - started < 1_800) await ensureThere(context, [plain.id, longer.id, shorter.id], started);
    for (const { id } of [plain, shorter]) {
      ensure(
        await eventually(async () => (await store.find(id)) === null),
        'a record is still there long after its ttl has passed',
      );
    }
    await ensureForgotten({ store, record: rewritten(plain), version: plain.version });
    ensure((await store.find(longer.id)) !== null, 'the record whose ttl was made longer is gone');
  });
}

async function ensureThere({ store }: TestContext, ids: readonly string[], started: number): Promise<void> {
  const before = performance.now() - started;
  for (const id of ids) {
    const found = await store.find(id);
    // If the call itself took longer than the ttl, its result shows nothing.
    ensure(
      found !== null || performance.now() - started >= 1_900,
      `a record is gone ${Math.round(before)} ms after a ttl of 1,900 ms began`,
    );
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
}

function sweepTests({ test, has }: Kit): void {
  test('sweep removes and counts the records whose deadline has passed by the given clock', async ({
    store,
    clock,
  }) => {
    const now = clock.now();
    const records = [-HOUR, -1, 0, 1, HOUR].map((rest) => newRecord(clock, { ownerId: 'ada', expiresAt: now + rest }));
    for (const record of records) await store.insert(record, HOUR);
    ensureEqual(await store.sweep?.(now), 3, 'how many were swept');
    const left = await Promise.all(records.map(async ({ id }) => (await store.find(id)) !== null));
    ensureEqual(left, [false, false, false, true, true], 'what is left');
    ensureEqual(await store.sweep?.(now), 0, 'how many a second sweep found');
    if (has('count')) ensureEqual(await store.count?.(), 2, 'the count after it');
    if (has('listByOwner'))
      ensureEqual((await store.listByOwner?.('ada'))?.length, 2, "the owner's sessions after it");
    ensureEqual(await store.sweep?.(now + HOUR), 2, 'how many were swept an hour later');
  });

  test('sweep uses the deadline of the last replace', async ({ store, clock }) => {
    const now = clock.now();
    const [extended, shortened] = [newRecord(clock, { expiresAt: now }), newRecord(clock, { expiresAt: now + HOUR })];
    for (const record of [extended, shortened]) await store.insert(record, HOUR);
    await store.replace(rewritten(extended, { expiresAt: now + HOUR }), extended.version, HOUR);
    await store.replace(rewritten(shortened, { expiresAt: now }), shortened.version, HOUR);
    ensureEqual(await store.sweep?.(now), 1, 'how many were swept');
    ensure((await store.find(extended.id)) !== null, 'the one that was extended is gone');
  });
}

interface Forgotten {
  readonly store: TestContext['store'];
  readonly record: Parameters<TestContext['store']['replace']>[0];
  readonly version: string;
}

async function ensureForgotten({ store, record, version }: Forgotten): Promise<void> {
  ensureEqual(await store.find(record.id), null, 'find after the ttl');
  ensureEqual(await store.replace(record, version, HOUR), 'gone', 'replace after the ttl');
  ensureEqual(await store.delete(record.id), false, 'delete after the ttl');
}
