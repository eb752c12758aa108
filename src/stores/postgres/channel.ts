import type { Channel, ChannelEvents, Unsubscribe } from '../shared/notifications.js';
import {
  type Connectable,
  type Emitter,
  isConnection,
  isPGlite,
  isPool,
  type PGlite,
  type Pool,
  type PostgresClient,
} from './client.js';
import type { Runner } from './runner.js';

/** The channel `name`, if this client can listen to it. */
export function channelOver(client: PostgresClient, runner: Runner, name: string): Channel | undefined {
  if (isPool(client)) return besidePool(client, name);
  if (isPGlite(client)) return overPGlite(client, name);
  return isConnection(client) ? overConnection(client, runner, name) : undefined;
}

/**
 * Listens on a separate connection with the pool's settings. A connection of the pool would be
 * missing there as long as it listens: two stores would use up a pool of two.
 */
function besidePool({ Client, options }: Pool, name: string): Channel {
  return {
    reopens: true,
    async open(events) {
      const connection = new Client(options);
      const state = { ended: false };
      const close = async () => {
        state.ended = true;
        // Not awaited, because a connection that died silently never answers. The handlers stay,
        // because the connection may still fail.
        connection.end().catch(ignore);
      };
      const lost = () => {
        if (state.ended) return;
        void close();
        events.lost();
      };
      connection.on('error', lost);
      connection.on('end', lost);
      connection.on('notification', (message) => !state.ended && receive(message, name, events));
      try {
        await withinReason(listen(connection, name));
      } catch (error) {
        await close();
        throw error;
      }
      return close;
    },
  };
}

async function listen(connection: Connectable, name: string): Promise<void> {
  await connection.connect();
  await connection.query(`LISTEN ${name}`);
}

/** The longest time that opening a connection may take, in ms. */
const WITHIN = 5_000;

async function withinReason(work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('opening a connection for notifications took too long')), WITHIN);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(ignore);
  }
}

/** A connection of pg receives notifications beside its other work. */
function overConnection(connection: Emitter, runner: Runner, name: string): Channel {
  return {
    reopens: false,
    async open(events) {
      const onMessage = (message: unknown) => receive(message, name, events);
      const onEnd = () => {
        detach();
        events.lost();
      };
      const detach = () => {
        connection.removeListener('notification', onMessage);
        connection.removeListener('end', onEnd);
      };
      connection.on('notification', onMessage);
      connection.on('end', onEnd);
      try {
        await runner.runOnce(`LISTEN ${name}`);
      } catch (error) {
        detach();
        throw error;
      }
      return async () => {
        detach();
        await runner.runOnce(`UNLISTEN ${name}`);
      };
    },
  };
}

function overPGlite(database: PGlite, name: string): Channel {
  return {
    reopens: false,
    open: (events): Promise<Unsubscribe> => database.listen(name, (payload) => events.message(payload)),
  };
}

function receive(message: unknown, channel: string, events: ChannelEvents): void {
  if (typeof message !== 'object' || message === null || Reflect.get(message, 'channel') !== channel) return;
  const payload: unknown = Reflect.get(message, 'payload');
  if (typeof payload === 'string') events.message(payload);
}

function ignore(): void {}
