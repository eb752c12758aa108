import type { Channel, ChannelEvents } from '../shared/notifications.js';
import { type Emitter, isConnection, isPGlite, isPool, type PGlite, type Pool, type PostgresClient, type Runner } from './client.js';

/** The channel `name` as this client can listen to it; `undefined` where it cannot. */
export function channelOver(client: PostgresClient, runner: Runner, name: string): Channel | undefined {
  if (isPool(client)) return poolSize(client) === 1 ? undefined : overPool(client, name);
  if (isPGlite(client)) return overPGlite(client, name);
  return isConnection(client) ? overConnection(client, runner, name) : undefined;
}

/** A connection that listens is kept: of a pool of one nothing would be left for the statements. */
function poolSize(pool: object): unknown {
  const options: unknown = Reflect.get(pool, 'options');
  return typeof options === 'object' && options !== null ? Reflect.get(options, 'max') : undefined;
}

function overPool(pool: Pool, name: string): Channel {
  return {
    reopens: true,
    async open(events) {
      const connection = await pool.connect();
      let open = true;
      const close = () => {
        // Closed and not given back, so that nobody else gets a connection that listens. Its handlers stay: it may still fail on its way out.
        if (open) connection.release(true);
        open = false;
      };
      const lost = () => {
        if (!open) return;
        close();
        events.lost();
      };
      connection.on('error', lost);
      connection.on('end', lost);
      connection.on('notification', (message) => open && receive(message, name, events));
      try {
        await connection.query(`LISTEN ${name}`);
      } catch (error) {
        close();
        throw error;
      }
      return async () => close();
    },
  };
}

/** A connection of pg hears notifications beside its other work. */
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
        await runner.run(`LISTEN ${name}`);
      } catch (error) {
        detach();
        throw error;
      }
      return async () => {
        detach();
        await runner.run(`UNLISTEN ${name}`);
      };
    },
  };
}

function overPGlite(database: PGlite, name: string): Channel {
  return { reopens: false, open: (events) => database.listen(name, (payload) => events.message(payload)) };
}

function receive(message: unknown, channel: string, events: ChannelEvents): void {
  if (typeof message !== 'object' || message === null || Reflect.get(message, 'channel') !== channel) return;
  const payload: unknown = Reflect.get(message, 'payload');
  if (typeof payload === 'string') events.message(payload);
}
