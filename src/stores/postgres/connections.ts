import { type Emitter, isConnection, isPGlite, isPool, type PGlite, type Pool, type PostgresClient, type Runner } from './client.js';

/** A connection that listens. */
export interface Listening {
  close(): Promise<void>;
}

export interface Listener {
  /** The payload of a notification. */
  heard(payload: string): void;
  /** The connection is gone, and nothing more will be heard on it. */
  lost(): void;
}

/** Opens a connection that listens on a channel. */
export interface Connector {
  listen(channel: string, listener: Listener): Promise<Listening>;
  /** Whether a connection that was lost can be replaced. */
  readonly reconnects: boolean;
}

/** How notifications are heard by way of this client; `undefined` where that is not possible. */
export function connectorOf(client: PostgresClient, runner: Runner): Connector | undefined {
  if (isPool(client)) return poolSize(client) === 1 ? undefined : poolConnector(client);
  if (isPGlite(client)) return pgliteConnector(client);
  return isConnection(client) ? connectionConnector(client, runner) : undefined;
}

/** A connection that listens is kept: of a pool of one nothing would be left for the statements. */
function poolSize(pool: object): unknown {
  const options: unknown = Reflect.get(pool, 'options');
  return typeof options === 'object' && options !== null ? Reflect.get(options, 'max') : undefined;
}

function poolConnector(pool: Pool): Connector {
  return {
    reconnects: true,
    async listen(channel, listener) {
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
        listener.lost();
      };
      connection.on('error', lost);
      connection.on('end', lost);
      connection.on('notification', (message) => open && heard(message, channel, listener));
      try {
        await connection.query(`LISTEN ${channel}`);
      } catch (error) {
        close();
        throw error;
      }
      return { close: async () => close() };
    },
  };
}

/** A connection of pg hears notifications beside its other work. */
function connectionConnector(connection: Emitter, runner: Runner): Connector {
  return {
    reconnects: false,
    async listen(channel, listener) {
      const onMessage = (message: unknown) => heard(message, channel, listener);
      const onEnd = () => {
        detach();
        listener.lost();
      };
      const detach = () => {
        connection.removeListener('notification', onMessage);
        connection.removeListener('end', onEnd);
      };
      connection.on('notification', onMessage);
      connection.on('end', onEnd);
      try {
        await runner.run(`LISTEN ${channel}`);
      } catch (error) {
        detach();
        throw error;
      }
      return {
        close: async () => {
          detach();
          await runner.run(`UNLISTEN ${channel}`);
        },
      };
    },
  };
}

function pgliteConnector(database: PGlite): Connector {
  return {
    reconnects: false,
    listen: async (channel, listener) => ({ close: await database.listen(channel, (payload) => listener.heard(payload)) }),
  };
}

function heard(message: unknown, channel: string, listener: Listener): void {
  if (typeof message !== 'object' || message === null || Reflect.get(message, 'channel') !== channel) return;
  const payload: unknown = Reflect.get(message, 'payload');
  if (typeof payload === 'string') listener.heard(payload);
}
