import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createClient } from 'redis';
import { describe, expect, test } from 'vitest';
import { createSessions, type Sessions } from '../../../src/index.js';
import { redisStore } from '../../../src/stores/redis/index.js';

const INFO = 'redis_version:7.0.0';

interface Data {
  readonly userId: string;
}

/** A server that answers `OK` to everything, and counts commands about sessions. */
async function agreeable() {
  let commands = 0;
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    socket.on('data', (chunk) => {
      for (const command of chunk.toString().split(/(?=\*\d+\r\n)/)) {
        if (command.includes('ts:s:')) commands += 1;
        socket.write(command.includes('info') ? `$${INFO.length}\r\n${INFO}\r\n` : '+OK\r\n');
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const stop = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    get commands() {
      return commands;
    },
    sockets,
    stop,
  };
}

describe('invariant 6: a message at the opening of a connection is not taken for an answer', () => {
  const uses: Readonly<Record<string, (sessions: Sessions<Data>, token: string) => Promise<unknown>>> = {
    'a login': (sessions) => sessions.create({ userId: 'ada' }),
    'a read': (sessions, token) => sessions.fromToken(token),
  };
  test.each(Object.entries(uses))(
    '%s that is about to be sent when the connection is lost gets no false answer',
    async (_what, use) => {
      const redis = await agreeable();
      const client = createClient({ url: redis.url }).on('error', () => undefined);
      await client.connect();
      try {
        const sessions = createSessions<Data>({
          store: redisStore(client),
          onInvalidData: 'anonymous',
          storeTimeout: 300,
        });
        const { token } = await sessions.create({ userId: 'ada' });
        const reached = redis.commands;
        // From here on, the client writes in the next turn of the event loop, when it learns of
        // the loss.
        await new Promise((resolve) => setImmediate(resolve));
        redis.sockets[0]?.resetAndDestroy();
        const outcome = await use(sessions, token).catch((error: unknown) => error);
        // A client that sends it after reconnecting may answer.
        if (redis.commands === reached) expect(outcome).toMatchObject({ code: 'STORE_UNAVAILABLE' });
        else expect(outcome).not.toBeInstanceOf(Error);
      } finally {
        client.destroy();
        redis.stop();
      }
    },
  );
});
