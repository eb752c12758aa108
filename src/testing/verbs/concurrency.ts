import { ensure, ensureEqual, ensureRecord, present } from '../kit/assert.js';
import type { Kit, TestContext } from '../kit/context.js';
import { HOUR, newRecord, rewritten, together } from '../kit/records.js';

const WRITERS = 16;
const ROUNDS = 40;

/**
 * Parallel calls of the verbs: from one process, and over the other connection if the store is
 * declared atomic.
 */
export function concurrencyTests({ test }: Kit): void {
  test('invariant 3: exactly one of several concurrent replaces with one expected version succeeds', async (context) => {
    for (let round = 0; round < ROUNDS / 4; round += 1) await raceReplaces(context);
  });

  test('invariant 3: concurrent writers that retry lose no increment', async (context) => {
    const counter = newRecord(context.clock, { expiresAt: 0 });
    await context.store.insert(counter, HOUR);
    await together(4, async (writer) => {
      for (let i = 0; i < 8; i += 1) await countUp(context, writer, counter.id);
    });
    ensureEqual((await context.store.find(counter.id))?.expiresAt, 32, 'the sum of all that were answered');
  });

  test('exactly one of several concurrent inserts of one id succeeds', async (context) => {
    const { clock, store } = context;
    for (let round = 0; round < ROUNDS / 4; round += 1) {
      const first = newRecord(clock);
      const records = Array.from({ length: WRITERS }, () => rewritten(first));
      const answers = await together(WRITERS, (writer) =>
        via(context, writer).insert(present(records[writer], 'a record'), HOUR),
      );
      ensureEqual(answers.filter((each) => each === 'inserted').length, 1, 'inserts that were answered');
      ensureRecord(
        await store.find(first.id),
        present(records[answers.indexOf('inserted')], 'the answered one'),
        'the stored one',
      );
    }
  });

  test('concurrent inserts of the same write all succeed', async (context) => {
    const record = newRecord(context.clock);
    const answers = await together(WRITERS, (writer) => via(context, writer).insert(record, HOUR));
    ensureEqual(new Set(answers).size === 1 && answers[0], 'inserted', 'the answers');
    ensureRecord(await context.store.find(record.id), record, 'the record');
  });

  test('invariant 2: a replace that races a delete restores nothing', async (context) => {
    for (let round = 0; round < ROUNDS; round += 1) await raceReplaceAndDelete(context, round);
  });

  test('exactly one of several concurrent deletes finds the record', async (context) => {
    const record = newRecord(context.clock);
    await context.store.insert(record, HOUR);
    const answers = await together(WRITERS, (writer) => via(context, writer).delete(record.id));
    ensureEqual(answers.filter((each) => each).length, 1, 'deletes that found it');
  });

  test('the answers of an insert and a delete that race match the stored state', async (context) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const record = newRecord(context.clock);
      const answers = await inTurn(
        round,
        () => via(context, 0).insert(record, HOUR),
        () => via(context, 1).delete(record.id),
      );
      ensureEqual(
        (await context.store.find(record.id)) === null,
        answers.includes(true),
        `the record is gone after ${answers}`,
      );
    }
  });
}

function via({ store, other, capabilities }: TestContext, writer: number) {
  return capabilities.atomic && writer % 2 === 1 ? other : store;
}

/** The results of two parallel calls. In every other round, the second is sent first. */
async function inTurn<First, Second>(
  round: number,
  first: () => Promise<First>,
  second: () => Promise<Second>,
): Promise<(First | Second)[]> {
  return Promise.all<First | Second>(round % 2 === 0 ? [first(), second()] : [second(), first()]);
}

async function raceReplaces(context: TestContext): Promise<void> {
  const first = newRecord(context.clock);
  await context.store.insert(first, HOUR);
  const records = Array.from({ length: WRITERS }, () => rewritten(first));
  const answers = await together(WRITERS, (writer) => {
    return via(context, writer).replace(present(records[writer], 'a record'), first.version, HOUR);
  });
  ensureEqual(answers.filter((each) => each === 'replaced').length, 1, 'replaces that were answered');
  ensureEqual(answers.filter((each) => each === 'conflict').length, WRITERS - 1, 'replaces that met another version');
  ensureRecord(
    await context.store.find(first.id),
    present(records[answers.indexOf('replaced')], 'the answered one'),
    'the stored one',
  );
}

/** Adds one by compare-and-swap, with as many attempts as necessary. */
async function countUp(context: TestContext, writer: number, id: string): Promise<void> {
  for (let tries = 0; tries < 1_000; tries += 1) {
    const found = present(await via(context, writer).find(id), 'the counter');
    const next = rewritten(found, { expiresAt: found.expiresAt + 1 });
    if ((await via(context, writer).replace(next, found.version, HOUR)) === 'replaced') return;
  }
  ensure(false, 'a writer never came through');
}

async function raceReplaceAndDelete(context: TestContext, round: number): Promise<void> {
  const record = newRecord(context.clock);
  await context.store.insert(record, HOUR);
  const next = rewritten(record);
  const answers = await inTurn(
    round,
    () => via(context, round).replace(next, record.version, HOUR),
    () => via(context, round + 1).delete(record.id),
  );
  ensure(answers.includes(true), `delete did not find a record that was there: ${answers}`);
  ensure(
    answers.includes('replaced') || answers.includes('gone'),
    `replace answered something else than replaced or gone: ${answers}`,
  );
  ensureEqual(await context.store.find(record.id), null, `what is left after ${answers}`);
  ensureEqual(await context.other.replace(rewritten(next), next.version, HOUR), 'gone', 'a later replace');
}
