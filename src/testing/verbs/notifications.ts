import type { StoreListener } from '../../core/store.js';
import { ensure, ensureEqual, present } from '../kit/assert.js';
import type { Kit, TestContext } from '../kit/context.js';
import { HOUR, newRecord, rewritten } from '../kit/records.js';

/** `subscribe`: the reports of ended sessions. */
export function notificationTests({ test, has }: Kit): void {
  test('invariant 5: a listener hears of a session that was deleted, here and by another process', async (context) => {
    const { store, other, clock } = context;
    const told = await listen(store);
    const byOther = await listen(other);
    for (const via of [store, other]) {
      const record = newRecord(clock);
      await store.insert(record, HOUR);
      await via.delete(record.id);
      await ensureTold(context, told, record.id);
      await ensureTold(context, byOther, record.id);
    }
    await Promise.all([told.stop(), byOther.stop()]);
  });

  test('a listener hears of what has ended, once for each, and of nothing else', async (context) => {
    const { store, clock } = context;
    const told = await listen(store);
    const [kept, ended] = [newRecord(clock), newRecord(clock)];
    for (const record of [kept, ended]) await store.insert(record, HOUR);
    await store.replace(rewritten(kept), kept.version, HOUR);
    await store.replace(rewritten(kept), kept.version, HOUR);
    await store.find(kept.id);
    await store.delete(newRecord(clock).id);
    await store.delete(ended.id);
    await store.delete(ended.id);
    await ensureTold(context, told, ended.id);
    // When a later one has come, what was to come before it has, at least where there is one
    // server. Where there are several, one that was sent before this test may still arrive: so
    // only what is about these sessions is looked at.
    await ensureTold(context, told, await endOne(context));
    const about = told.ids.filter((id) => id === kept.id || id === ended.id);
    ensureEqual(about, [ended.id], 'what the listener heard of the two sessions');
    await told.stop();
  });

  if (has('deleteByOwner')) {
    test("invariant 5: a listener hears of all of an owner's sessions that deleteByOwner ended", async (context) => {
      const { store, other, clock } = context;
      const told = await listen(store);
      const [spared, first, second] = [
        newRecord(clock, { ownerId: 'ada' }),
        newRecord(clock, { ownerId: 'ada' }),
        newRecord(clock, { ownerId: 'ada' }),
      ];
      for (const record of [spared, first, second]) await store.insert(record, HOUR);
      await other.deleteByOwner?.('ada', spared.id);
      for (const { id } of [first, second]) await ensureTold(context, told, id);
      ensure(!told.ids.includes(spared.id), 'it heard of the session that was spared');
      await told.stop();
    });
  }

  if (has('insertWithin')) {
    test('invariant 5: a listener hears of a session that had to make room', async (context) => {
      const { store, other, clock } = context;
      const told = await listen(store);
      const [first, second] = [newRecord(clock, { ownerId: 'ada' }), newRecord(clock, { ownerId: 'ada' })];
      await store.insert(first, HOUR);
      await other.insertWithin?.(second, HOUR, { max: 1, onLimit: 'evict-oldest', now: clock.now() });
      await ensureTold(context, told, first.id);
      ensure(!told.ids.includes(second.id), 'it heard of the new session');
      await told.stop();
    });
  }

  if (has('clear')) {
    test('invariant 5: a listener hears of what clear ended, by the ids or by a gap', async (context) => {
      const { store, other, clock } = context;
      const told = await listen(store);
      const record = newRecord(clock);
      await store.insert(record, HOUR);
      await other.clear?.();
      ensure(
        await context.eventually(() => told.ids.includes(record.id) || told.gaps.length > 0),
        'no listener heard of a session that clear ended',
      );
      await told.stop();
    });
  }

  test('a listener that has stopped hears nothing more, and the others go on', async (context) => {
    const [stopped, goesOn] = [await listen(context.store), await listen(context.store)];
    await stopped.stop();
    const first = await endOne(context);
    await ensureTold(context, goesOn, first);
    await goesOn.stop();
    const again = await listen(context.store);
    const second = await endOne(context);
    await ensureTold(context, again, second);
    const afterwards = [stopped.ids.includes(first), stopped.ids.includes(second), goesOn.ids.includes(second)];
    ensureEqual(afterwards, [false, false, false], 'whether those that have stopped heard of what ended then');
    await again.stop();
  });
}

interface Told {
  readonly ids: readonly string[];
  readonly gaps: readonly true[];
  readonly stop: () => Promise<void>;
}

async function listen(store: TestContext['store']): Promise<Told> {
  const [ids, gaps]: [string[], true[]] = [[], []];
  const listener: StoreListener = { ended: (more) => void ids.push(...more), gap: () => void gaps.push(true) };
  return { ids, gaps, stop: present(await store.subscribe?.(listener), 'what subscribe resolves to') };
}

async function ensureTold(context: TestContext, told: Told, id: string): Promise<void> {
  ensure(await context.eventually(() => told.ids.includes(id)), 'a session has ended, and the listener was not told');
}

async function endOne({ store, clock }: TestContext): Promise<string> {
  const record = newRecord(clock);
  await store.insert(record, HOUR);
  await store.delete(record.id);
  return record.id;
}
