import type { StoreListener } from '../../core/store.js';
import { ensure, ensureEqual, present } from '../kit/assert.js';
import type { Kit, TestContext } from '../kit/context.js';
import { HOUR, newRecord, rewritten } from '../kit/records.js';

/** `subscribe`: the reports of ended sessions. */
export function notificationTests({ test, has }: Kit): void {
  test('invariant 5: a listener receives the id of a session that this or another process deleted', async (context) => {
    const { store, other, clock } = context;
    const received = await listen(store);
    const byOther = await listen(other);
    for (const via of [store, other]) {
      const record = newRecord(clock);
      await store.insert(record, HOUR);
      await via.delete(record.id);
      await ensureReceived(context, received, record.id);
      await ensureReceived(context, byOther, record.id);
    }
    await Promise.all([received.stop(), byOther.stop()]);
  });

  test('a listener receives each ended session once, and nothing else', async (context) => {
    const { store, clock } = context;
    const received = await listen(store);
    const [kept, ended] = [newRecord(clock), newRecord(clock)];
    for (const record of [kept, ended]) await store.insert(record, HOUR);
    await store.replace(rewritten(kept), kept.version, HOUR);
    await store.replace(rewritten(kept), kept.version, HOUR);
    await store.find(kept.id);
    await store.delete(newRecord(clock).id);
    await store.delete(ended.id);
    await store.delete(ended.id);
    await ensureReceived(context, received, ended.id);
    // When a later report has arrived, earlier ones have arrived too, at least with one server.
    // With several servers, a report from before this test may still arrive. So only reports about
    // these sessions are checked.
    await ensureReceived(context, received, await endOne(context));
    const about = received.ids.filter((id) => id === kept.id || id === ended.id);
    ensureEqual(about, [ended.id], 'what the listener heard of the two sessions');
    await received.stop();
  });

  if (has('deleteByOwner')) {
    test("invariant 5: a listener receives all of an owner's sessions that deleteByOwner ended", async (context) => {
      const { store, other, clock } = context;
      const received = await listen(store);
      const [spared, first, second] = [
        newRecord(clock, { ownerId: 'ada' }),
        newRecord(clock, { ownerId: 'ada' }),
        newRecord(clock, { ownerId: 'ada' }),
      ];
      for (const record of [spared, first, second]) await store.insert(record, HOUR);
      await other.deleteByOwner?.('ada', spared.id);
      for (const { id } of [first, second]) await ensureReceived(context, received, id);
      ensure(!received.ids.includes(spared.id), 'the listener received the session that was spared');
      await received.stop();
    });
  }

  if (has('insertWithin')) {
    test('invariant 5: a listener receives a session that was evicted', async (context) => {
      const { store, other, clock } = context;
      const received = await listen(store);
      const [first, second] = [newRecord(clock, { ownerId: 'ada' }), newRecord(clock, { ownerId: 'ada' })];
      await store.insert(first, HOUR);
      await other.insertWithin?.(second, HOUR, { max: 1, onLimit: 'evict-oldest', now: clock.now() });
      await ensureReceived(context, received, first.id);
      ensure(!received.ids.includes(second.id), 'the listener received the new session');
      await received.stop();
    });
  }

  if (has('clear')) {
    test('invariant 5: a listener receives the sessions that clear ended, or a gap', async (context) => {
      const { store, other, clock } = context;
      const received = await listen(store);
      const record = newRecord(clock);
      await store.insert(record, HOUR);
      await other.clear?.();
      ensure(
        await context.eventually(() => received.ids.includes(record.id) || received.gaps.length > 0),
        'the listener did not receive a session that clear ended',
      );
      await received.stop();
    });
  }

  test('a listener that has stopped receives nothing more, and the others continue', async (context) => {
    const [stopped, goesOn] = [await listen(context.store), await listen(context.store)];
    await stopped.stop();
    const first = await endOne(context);
    await ensureReceived(context, goesOn, first);
    await goesOn.stop();
    const again = await listen(context.store);
    const second = await endOne(context);
    await ensureReceived(context, again, second);
    const afterwards = [stopped.ids.includes(first), stopped.ids.includes(second), goesOn.ids.includes(second)];
    ensureEqual(afterwards, [false, false, false], 'whether those that have stopped heard of what ended then');
    await again.stop();
  });
}

interface Received {
  readonly ids: readonly string[];
  readonly gaps: readonly true[];
  readonly stop: () => Promise<void>;
}

async function listen(store: TestContext['store']): Promise<Received> {
  const [ids, gaps]: [string[], true[]] = [[], []];
  const listener: StoreListener = { ended: (more) => void ids.push(...more), gap: () => void gaps.push(true) };
  return { ids, gaps, stop: present(await store.subscribe?.(listener), 'what subscribe resolves to') };
}

async function ensureReceived(context: TestContext, received: Received, id: string): Promise<void> {
  ensure(
    await context.eventually(() => received.ids.includes(id)),
    'a session has ended, and the listener did not receive it',
  );
}

async function endOne({ store, clock }: TestContext): Promise<string> {
  const record = newRecord(clock);
  await store.insert(record, HOUR);
  await store.delete(record.id);
  return record.id;
}
