import pg from 'pg';
import { createClient } from 'redis';
import { memoryStore, type SessionStore } from '../../../src/index.js';
import { postgresStore } from '../../../src/stores/postgres/index.js';
import { redisStore } from '../../../src/stores/redis/index.js';
import { type MuteProxy, startMuteProxy } from './mute-proxy.js';
import type { LiveStore } from './types.js';

export interface OpenStore {
  readonly store: SessionStore;
  readonly proxy?: MuteProxy | undefined;
  close(): Promise<void>;
}

/** The store, over connections of this process. */
export async function openStore(config: LiveStore): Promise<OpenStore> {
  if (config.kind === 'memory') return { store: memoryStore(), close: async () => undefined };
  return config.kind === 'redis' ? openRedis(config) : openPostgres(config);
}

async function openRedis({ url, mutable }: Extract<LiveStore, { kind: 'redis' }>): Promise<OpenStore> {
  const connect = (to: string) => createClient({ url: to }).on('error', ignore).connect();
  const client = await connect(url);
  if (!mutable) return { store: redisStore(client), close: async () => client.destroy() };
  const proxy = await startMuteProxy(Number(new URL(url).port));
  const subscriber = await connect(`redis://127.0.0.1:${proxy.port}`);
  const close = async () => {
    subscriber.destroy();
    client.destroy();
    proxy.stop();
  };
  return { store: redisStore(client, { subscriber }), proxy, close };
}

async function openPostgres({ config, mutable }: Extract<LiveStore, { kind: 'postgres' }>): Promise<OpenStore> {
  const open = (port: number) => new pg.Pool({ ...config, port, max: 8 }).on('error', ignore);
  const pool = open(config.port);
  const proxy = mutable ? await startMuteProxy(config.port) : undefined;
  const subscriber = proxy && open(proxy.port);
  const store = postgresStore(pool, subscriber ? { subscriber } : {});
  await store.createTables();
  const close = async () => {
    proxy?.stop();
    await Promise.all([pool.end(), subscriber?.end()]);
  };
  return { store, proxy, close };
}

function ignore(): void {}

/** The same store, its calls and subscriptions counted. */
export function counted(store: SessionStore) {
  const calls: Record<string, number> = {};
  const live = { subscribed: 0 };
  const subscribe = store.subscribe?.bind(store);
  const proxied = new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name === 'subscribe' && subscribe) return counting;
      return (...args: unknown[]) => {
        calls[String(name)] = (calls[String(name)] ?? 0) + 1;
        return Reflect.apply(value, target, args);
      };
    },
  });
  const counting: SessionStore['subscribe'] = async (listener) => {
    const stop = await subscribe?.(listener);
    live.subscribed += 1;
    return async () => {
      live.subscribed -= 1;
      await stop?.();
    };
  };
  return { store: proxied, calls, live };
}
