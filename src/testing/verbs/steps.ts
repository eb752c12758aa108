import type { LimitedInsert, SessionRecord, SessionStore, StoreSteps } from '../../core/store.js';
import { ensure, ensureEqual, present } from '../kit/assert.js';
import type { Kit, TestContext } from '../kit/context.js';
import { HOUR, newId, newRecord } from '../kit/records.js';

const MANY = 1_100;
/** The maximum number of records that a step may return. Writing so many is still fast. */
const MOST_IN_A_STEP = 1_000;

const VERBS = [
  'insertWithin',
  'listByOwner',
  'deleteByOwner',
  'trimOwner',
  'sweep',
  'count',
  'clear',
] as const satisfies (keyof StoreSteps)[];

/** The verbs that walk through many records, in steps. */
export function stepTests({ test, has }: Kit): void {
  test('steps has exactly those of its verbs that the store has', async ({ store }) => {
    for (const verb of VERBS) ensureEqual(typeof stepsOf(store)[verb] === 'function', has(verb), `steps has ${verb}`);
  });

  if (has('listByOwner')) {
    test("rule 28: listByOwner goes through an owner's sessions in bounded steps", async (context) => {
      const records = await fill(context);
      const listed = await bounded(stepsOf(context.store).listByOwner?.('ada'));
      ensureEqual(listed.map(({ id }) => id).sort(), idsOf(records), 'the sessions of all steps');
      ensureEqual(
        await bounded(stepsOf(context.store).listByOwner?.(newId()), 0),
        [],
        'the sessions of an unknown owner',
      );
    });
  }

  if (has('deleteByOwner')) {
    test("rule 28: deleteByOwner ends an owner's sessions in bounded steps, and returns each", async (context) => {
      const { store, other, clock } = context;
      const [kept, ...rest] = await fill(context);
      const eves = newRecord(clock, { ownerId: 'eve' });
      await store.insert(eves, HOUR);
      const ended = await bounded(stepsOf(store).deleteByOwner?.('ada', present(kept, 'a record').id));
      ensureEqual(ended.toSorted(), idsOf(rest), 'the ids of all steps');
      ensureEqual(
        (await stillThere(other, [...rest, eves, present(kept, 'a record')])).sort(),
        idsOf([eves, present(kept, 'a record')]),
        'what is left',
      );
    });

    test('deleteByOwner leaves the remaining sessions if the caller stops after a step', async (context) => {
      const records = await fill(context);
      const first: string[] = [];
      for await (const ids of present(stepsOf(context.store).deleteByOwner?.('ada'), 'the steps')) {
        first.push(...ids);
        if (first.length > 0) break;
      }
      ensureEqual((await stillThere(context.other, records)).length, MANY - first.length, 'what is left');
    });

    test('rule 28: deleteByOwner in steps ends a racing session, or the insert was answered after it began', async (context) => {
      const { store, other, clock } = context;
      const records = await fill(context);
      const late: SessionRecord[] = [];
      const ended: string[] = [];
      for await (const ids of present(stepsOf(store).deleteByOwner?.('ada'), 'the steps')) {
        ended.push(...ids);
        const record = newRecord(clock, { ownerId: 'ada' });
        if (late.length < 3 && (await other.insert(record, HOUR)) === 'inserted') late.push(record);
      }
      ensureEqual(await stillThere(other, records), [], 'what is left of those that were there before');
      const left = await stillThere(other, late);
      for (const { id } of late)
        ensureEqual(left.includes(id), !ended.includes(id), 'a racing one is there unless it was answered');
    });
  }

  if (has('trimOwner')) {
    test('rule 28: trimOwner ends many sessions in bounded steps, and leaves the newest', async (context) => {
      const { store, clock } = context;
      const records = await fill(context);
      const newest = records.toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1)).slice(0, 3);
      const [{ id: keep }] = [present(newest[0], 'a record')];
      const ended = await bounded(stepsOf(store).trimOwner?.('ada', { max: 3, now: clock.now(), keep }));
      ensureEqual(ended.length, MANY - 3, 'how many had to go');
      ensureEqual((await stillThere(context.other, records)).sort(), idsOf(newest), 'what is left');
    });
  }

  if (has('insertWithin')) {
    test('rule 28: insertWithin inserts first, and then evicts many sessions in bounded steps', async (context) => {
      const { store, clock } = context;
      const records = await fill(context);
      const login = newRecord(clock, { ownerId: 'ada', createdAt: clock.now() + 1 });
      const limit = { max: 3, onLimit: 'evict-oldest', now: clock.now() } as const;
      const answers: LimitedInsert[] = [];
      for await (const step of present(stepsOf(store).insertWithin?.(login, HOUR, limit), 'the steps')) {
        ensure((await store.find(login.id)) !== null, 'a step evicted before the session was inserted');
        answers.push(step);
      }
      for (const { outcome, evicted } of answers) {
        ensureEqual(outcome, 'inserted', 'the outcome');
        ensure(evicted.length <= MOST_IN_A_STEP, `a step evicted ${evicted.length} sessions`);
      }
      ensureEqual(new Set(answers.flatMap(({ evicted }) => evicted)).size, MANY - 2, 'how many had to go');
      ensureEqual((await stillThere(context.other, [...records, login])).length, 3, 'how many are left');
    });
  }

  if (has('sweep')) {
    test('rule 28: sweep removes expired sessions in bounded steps', async (context) => {
      const { store, clock } = context;
      await fill(context, { expiresAt: clock.now() });
      const live = newRecord(clock);
      await store.insert(live, HOUR);
      ensureEqual(await total(stepsOf(store).sweep?.(clock.now())), MANY, 'how many it removed');
      ensure((await store.find(live.id)) !== null, 'the sweep removed a live session');
    });
  }

  if (has('count')) {
    test('count is the sum of its steps', async (context) => {
      await fill(context);
      ensureEqual(await total(stepsOf(context.store).count?.(), Number.POSITIVE_INFINITY), MANY, 'the count');
    });
  }

  if (has('clear')) {
    test('clear removes every record in steps', async (context) => {
      const records = await fill(context);
      ensureEqual(
        await total(stepsOf(context.store).clear?.(), Number.POSITIVE_INFINITY),
        MANY,
        'how many it removed',
      );
      ensureEqual(await stillThere(context.other, records), [], 'what is left');
    });
  }
}

function stepsOf({ steps }: SessionStore): StoreSteps {
  return present(steps, 'steps');
}

/** Many sessions of one owner, created one after the other. */
export async function fill(
  { store, clock }: TestContext,
  fields: Partial<SessionRecord> = {},
): Promise<SessionRecord[]> {
  const records = Array.from({ length: MANY }, (_, index) =>
    newRecord(clock, { ownerId: 'ada', createdAt: clock.now() - MANY + ((index * 37) % MANY), ...fields }),
  );
  for (let from = 0; from < MANY; from += 100)
    await Promise.all(records.slice(from, from + 100).map((each) => store.insert(each, HOUR)));
  return records;
}

async function bounded<Item>(steps: AsyncIterable<readonly Item[]> | undefined, fewest = 2): Promise<Item[]> {
  const all: Item[] = [];
  let count = 0;
  for await (const some of present(steps, 'the steps')) {
    ensure(some.length <= MOST_IN_A_STEP, `a step returned ${some.length} items`);
    all.push(...some);
    count += 1;
  }
  ensure(count >= fewest, 'it was all done in one step');
  return all;
}

async function total(steps: AsyncIterable<number> | undefined, most = MOST_IN_A_STEP): Promise<number> {
  let all = 0;
  for await (const some of present(steps, 'the steps')) {
    ensure(some <= most, `a step removed ${some} records`);
    all += some;
  }
  return all;
}

export async function stillThere(store: SessionStore, records: readonly SessionRecord[]): Promise<string[]> {
  const found: string[] = [];
  for (let from = 0; from < records.length; from += 100) {
    const some = await Promise.all(records.slice(from, from + 100).map(({ id }) => store.find(id)));
    found.push(...some.flatMap((each) => (each ? [each.id] : [])));
  }
  return found;
}

export function idsOf(records: readonly SessionRecord[]): string[] {
  return records.map(({ id }) => id).sort();
}
