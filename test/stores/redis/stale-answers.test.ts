import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createClient } from 'redis';
import { expect, test } from 'vitest';
import { redisStore } from '../../../src/stores/redis/index.js';
import { HOUR, record } from './records.js';

const INFO = 'redis_version:7.0.0';

/** A server that says `OK` to everything. It knows which sessions have reached it. */
async function agreeable() {
  const stored = new Set<string>();
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    socket.on('data', (chunk) => {
      for (const command of chunk.toString().split(/(?=\*\d+\r\n)/)) {
        const [, id] = /ts:s:(\S{36})/.exec(command) ?? [];
        if (id) stored.add(id);
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
  return { url: `redis://127.0.0.1:${port}`, stored, sockets, stop };
}

test('what a server says when a connection is opened is not taken for the answer to a write of the one before', async () => {
  const redis = await agreeable();
  const client = createClient({ url: redis.url }).on('error', () => undefined);
  await client.connect();
  try {
    const store = redisStore(client);
    expect(await store.insert(record(), HOUR)).toBe('inserted');
    const session = record();
    // From here the client writes in the next turn of the event loop, in which it first learns that the connection is gone.
    await new Promise((resolve) => setImmediate(resolve));
    redis.sockets[0]?.resetAndDestroy();
    const settled = await store.insert(session, HOUR).catch((error: unknown) => error);
    if (redis.stored.has(session.id)) expect(settled).toBe('inserted');
    else expect(settled).toMatchObject({ message: expect.stringContaining('the connection was lost') });
  } finally {
    client.destroy();
    redis.stop();
  }
});
