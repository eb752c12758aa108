import type { SessionRecord, SessionStore } from '../../../src/index.js';

/**
 * A store on a foreign map that can only get, set and remove, each after a moment. Operations that
 * must be one step are separated by a queue in this process, as an adapter would do.
 */
export function upsertStore(): SessionStore {
  const foreign = new Map<string, string>();
  let line: Promise<unknown> = Promise.resolve();
  const inLine = <Result>(step: () => Promise<Result>): Promise<Result> => {
    const result = line.then(step);
    line = result.catch(() => undefined);
    return result;
  };
  const get = async (id: string): Promise<SessionRecord | null> => {
    await moment();
    const text = foreign.get(id);
    return text === undefined ? null : JSON.parse(text);
  };
  const set = async (record: SessionRecord): Promise<void> => {
    await moment();
    foreign.set(record.id, JSON.stringify(record));
  };
  return {
    atomic: false,
    find: get,
    insert: (record) =>
      inLine(async () => {
        const known = await get(record.id);
        if (known) return known.version === record.version ? 'inserted' : 'exists';
        await set(record);
        return 'inserted';
      }),
    replace: (record, expectedVersion) =>
      inLine(async () => {
        const known = await get(record.id);
        if (known?.version !== expectedVersion) return known ? 'conflict' : 'gone';
        await set(record);
        return 'replaced';
      }),
    delete: (id) => inLine(async () => foreign.delete(id)),
  };
}

const moment = () => Promise.resolve();
