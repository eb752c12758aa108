import type { JsonValue } from '../../core/data/json.js';
import { copyJson, setOwn } from '../../core/data/json.js';
import { createSessions } from '../../create-sessions.js';
import { ensureEqual, present } from '../kit/assert.js';
import type { Kit, TestContext } from '../kit/context.js';
import { HOSTILE_DATA } from '../kit/hostile-data.js';

type Fields = Record<string, JsonValue>;

/** Sends data through the library and the store and back. */
export function roundTripTests({ test, options }: Kit): void {
  test('invariant 9: hostile data comes back unchanged', async (context) => {
    for (const data of HOSTILE_DATA) await roundTrip(context, data);
  });

  test('invariant 9: data that is nested a thousand levels deep comes back unchanged', async (context) => {
    let [list, object]: [JsonValue, JsonValue] = [[], {}];
    for (let level = 0; level < 999; level += 1) [list, object] = [[list], { a: object }];
    for (const data of [list, object]) await roundTrip(context, data);
  });

  test('invariant 9: arbitrary data comes back unchanged', async (context) => {
    const { checkArbitraryJson } = await import('../kit/arbitrary-json.js');
    await checkArbitraryJson((data) => roundTrip(context, data), options);
  });

  test('invariants 3 and 9: changes of two requests to fields of any name are merged', async (context) => {
    const sessions = createSessions<Fields>({ store: context.store, now: context.clock.now });
    for (const name of ['__proto__', 'constructor', 'toString', '', '0', 'a.b', '\u0000', '\ud800']) {
      const { token } = await sessions.create({ kept: true });
      const drafts = await Promise.all([load(sessions.fromToken(token)), load(sessions.fromToken(token))]);
      for (const [index, draft] of drafts.entries()) setOwn<JsonValue>(draft.data, `${name}${index || ''}`, [name]);
      await Promise.all(drafts.map((draft) => draft.save()));
      const expected: Fields = { kept: true };
      for (const field of [name, `${name}1`]) setOwn<JsonValue>(expected, field, [name]);
      ensureEqual((await load(sessions.fromToken(token))).data, expected, 'the merged data');
    }
  });
}

/** Stores the value in each possible way, and reads it over the other connection. */
async function roundTrip(context: TestContext, data: JsonValue): Promise<void> {
  const before = copyJson(data);
  if (context.capabilities.anyBody !== false) await wholeRoundTrip(context, data, before);
  await fieldsRoundTrip(context, data, before);
  ensureEqual(data, before, 'the value that was put in');
}

async function wholeRoundTrip(
  { store, other, clock }: TestContext,
  data: JsonValue,
  before: JsonValue,
): Promise<void> {
  const sessions = createSessions<JsonValue>({ store, now: clock.now, maxDataBytes: 10_000_000 });
  const reader = createSessions<JsonValue>({ store: other, now: clock.now });
  const { token } = await sessions.create(data);
  const draft = await load(sessions.fromToken(token));
  ensureEqual(draft.data, before, 'what create has stored');
  draft.data = [data];
  await draft.save();
  ensureEqual((await load(reader.fromToken(token))).data, [before], 'what save has stored');
  await draft.destroy();
  ensureEqual((await reader.fromToken(token)).session, null, 'the session after its end');
}

async function fieldsRoundTrip(
  { store, other, clock }: TestContext,
  data: JsonValue,
  before: JsonValue,
): Promise<void> {
  const sessions = createSessions<Fields>({ store, now: clock.now, maxDataBytes: 10_000_000 });
  const reader = createSessions<Fields>({ store: other, now: clock.now });
  const { token } = await sessions.create({ created: data });
  const draft = await load(sessions.fromToken(token));
  draft.data['saved'] = data;
  await draft.save();
  await draft.update((newest) => {
    newest['updated'] = data;
  });
  const stored = await load(reader.fromToken(token));
  ensureEqual(
    stored.data,
    { created: before, saved: before, updated: before },
    'what create, save and update have stored',
  );
  await stored.destroy();
}

async function load<Session>(context: Promise<{ readonly session: Session | null }>): Promise<Session> {
  return present((await context).session, 'the session');
}
