import { randomUUID } from 'node:crypto';
import { RedisStore } from 'connect-redis';
import { createClient } from 'redis';
import type { Answer, Data, Doing } from './types.js';
import type { Contender } from './worker.js';

type SessionData = Parameters<RedisStore['set']>[1];

/**
 * Works as express-session does with connect-redis: reads the session when a request begins, and
 * writes all of it when a request that changed it ends. Shows that the races find faults.
 */
export async function openRival({ url }: { readonly url: string }): Promise<Contender> {
  const client = await createClient({ url }).connect();
  const store = new RedisStore({ client });
  const set = (id: string, data: Data) => store.set(id, stored(data));
  const get = async (id: string): Promise<Data | null> => read(await store.get(id));
  let loaded: { readonly id: string; readonly data: Data }[] = [];

  async function act(doing: Doing, { id, data }: { readonly id: string; readonly data: Data }): Promise<void> {
    if (doing === 'destroy') await store.destroy(id);
    else if (doing === 'update') await set(id, { ...data, count: data.count + 1 });
    else await set(id, { ...data, [doing === 'save a' ? 'a' : 'b']: 1 });
  }

  return {
    async create(count) {
      const ids = Array.from({ length: count }, () => randomUUID());
      await Promise.all(ids.map((id, index) => set(id, { owner: `owner ${index}`, count: 0 })));
      return ids;
    },
    async load(ids) {
      const all = await Promise.all(ids.map(get));
      loaded = ids.map((id, index) => ({ id, data: all[index] ?? { owner: '', count: 0 } }));
    },
    act: (doing) =>
      Promise.all(
        loaded.map(async (each): Promise<Answer> => {
          await act(doing, each);
          return { ok: true, from: 0, to: 0 };
        }),
      ),
    read: (ids) => Promise.all(ids.map(get)),
    close: async () => client.destroy(),
  };
}

function stored(data: Data): SessionData {
  return { ...data, cookie: { originalMaxAge: null } };
}

function read(session: unknown): Data | null {
  if (typeof session !== 'object' || session === null) return null;
  const { owner, count, a, b } = session as Partial<Data>;
  return { owner: owner ?? '', count: count ?? 0, ...(a !== undefined && { a }), ...(b !== undefined && { b }) };
}
