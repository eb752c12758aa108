import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { withoutSecrets } from '../../src/core/safe-cause.js';
import { createSessions, memoryStore, type SessionEventName, type SessionStore } from '../../src/index.js';

interface Data {
  userId: string;
  note?: string | undefined;
}

const SECRET_DATA = 'the patient has a heart condition';

/** A store whose errors quote the failed command, as drivers do. */
function quotingStore() {
  const memory = memoryStore();
  const state = { failing: false };
  const guard = <Result>(given: unknown, run: () => Promise<Result>): Promise<Result> => {
    if (!state.failing) return run();
    const error = new Error(`write failed: ${JSON.stringify(given)}`, {
      cause: new Error(String(Reflect.get(Object(given), 'body'))),
    });
    return Promise.reject(Object.assign(error, { code: 'EFAIL', command: given }));
  };
  const store: SessionStore = {
    insert: (record, ttl) => guard(record, () => memory.insert(record, ttl)),
    find: (id) => memory.find(id),
    replace: (record, version, ttl) => guard(record, () => memory.replace(record, version, ttl)),
    delete: (id) => guard(id, () => memory.delete(id)),
  };
  return { store, state, memory };
}

function setUp() {
  const seen: string[] = [];
  const { store, state, memory } = quotingStore();
  const log = (message: string) => void seen.push(message);
  const sessions = createSessions<Data>({ store, logger: { debug: log, info: log, warn: log, error: log } });
  const events: SessionEventName[] = [
    'created',
    'destroyed',
    'rotated',
    'conflict',
    'gone',
    'invalid-data',
    'store-error',
  ];
  for (const name of events) sessions.on(name, (event) => void seen.push(JSON.stringify(event)));
  const fail = async (run: () => Promise<unknown>) => {
    const error: unknown = await run().then(
      () => expect.unreachable('it was to fail'),
      (reason: unknown) => reason,
    );
    seen.push(
      inspect(error, { depth: 9, showHidden: true }),
      JSON.stringify(error),
      String(error instanceof Error && error.stack),
    );
  };
  return { sessions, state, memory, seen, fail };
}

describe('rule 26: logs, events and printed errors', () => {
  test('contain no data and no hash if the store quotes the record that it could not write', async () => {
    const { sessions, state, memory, seen, fail } = setUp();
    const { id, token } = await sessions.create({ userId: 'ann', note: SECRET_DATA });
    const hash = /"k":"([^"]+)"/.exec((await memory.find(id))?.body ?? '')?.[1] ?? 'no hash';
    const { session } = await sessions.fromToken(token);
    state.failing = true;
    if (session) session.data.note = `${SECRET_DATA}, still`;
    await fail(() => session?.save() ?? Promise.resolve());
    await fail(() => sessions.create({ userId: 'bob', note: SECRET_DATA }));
    await fail(() => session?.rotate() ?? Promise.resolve());
    expect(seen.join('\n')).toContain('EFAIL');
    expect(seen.filter((text) => text.includes('heart') || text.includes(hash) || text.includes(token))).toEqual([]);
  });

  test('contain no data of an unreadable record', async () => {
    const { sessions, memory, seen, fail } = setUp();
    const { id, token } = await sessions.create({ userId: 'ann', note: SECRET_DATA });
    const record = await memory.find(id);
    if (record)
      await memory.replace({ ...record, version: 'x', body: `${record.body}${SECRET_DATA}` }, record.version, 1e6);
    await fail(() => sessions.fromToken(token));
    expect(seen.some((text) => text.includes('cannot be read'))).toBe(true);
    expect(seen.filter((text) => text.includes('heart'))).toEqual([]);
  });

  test('contain the name, the code and the frames of the cause', () => {
    const cause = Object.assign(new TypeError(`no: {"d":"${SECRET_DATA}"}`, { cause: new Error('socket closed') }), {
      code: 'X1',
    });
    const safe = withoutSecrets(cause);
    expect(safe).toMatchObject({
      name: 'TypeError',
      code: 'X1',
      message: 'no: […]',
      cause: { message: 'socket closed' },
    });
    expect(safe instanceof Error && safe.stack).toContain('data.test.ts');
  });
});

test('a context that is printed shows the data, and no token', async () => {
  const { sessions } = setUp();
  const { token } = await sessions.create({ userId: 'ann', note: SECRET_DATA });
  const printed = inspect(await sessions.fromToken(token), { depth: 9, showHidden: true });
  expect(printed).toContain(SECRET_DATA);
  expect(printed).not.toContain(token.slice(token.indexOf('.') + 1));
});
