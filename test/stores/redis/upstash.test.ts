import { createServer, type Server } from 'node:http';
import { Redis } from '@upstash/redis';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { redisStore } from '../../../src/stores/redis/index.js';
import { storeContract } from '../../../src/testing/index.js';
import { NATIVE } from '../../runtimes/suite/capabilities.js';
import { command, describeWithRedis, type RedisServer, startRedis } from '../../support/services/redis.js';
import { openNodeRedis } from './clients.js';
import { HOUR, record } from './records.js';

const TOKEN = 'secret-of-the-service';

/** A small server that speaks Upstash's protocol, in front of a real Redis. */
async function startRest(url: string): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const client = createClient({ url });
  await client.connect();
  const server: Server = createServer(async (request, response) => {
    const answer = (status: number, body: object) => response.writeHead(status).end(JSON.stringify(body));
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return answer(401, { error: 'WRONGPASS invalid token' });
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      return answer(200, { result: await client.sendCommand(JSON.parse(Buffer.concat(chunks).toString())) });
    } catch (error) {
      return answer(400, { error: error instanceof Error ? error.message : 'ERR' });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      client.destroy();
    },
  };
}

describeWithRedis('Redis over HTTP, through @upstash/redis', () => {
  let server: RedisServer;
  let rest: Awaited<ReturnType<typeof startRest>>;
  beforeAll(async () => {
    server = await startRedis();
    rest = await startRest(server.url);
  });
  afterAll(async () => {
    await rest.stop();
    await server.stop();
  });
  const open = (token = TOKEN) => new Redis({ url: rest.url, token });

  storeContract({
    runner: { describe, it: (name, run) => it(name, run, 300_000) },
    capabilities: { ...NATIVE, expires: 'own clock' },
    depth: 'pairs',
    runs: 20,
    async createStore() {
      await command(server, ['FLUSHALL']);
      return { store: redisStore(open()), other: redisStore(open()) };
    },
  });

  test('has no notifications of its own, but uses those of a given client', async () => {
    expect(redisStore(open()).subscribe).toBeUndefined();
    const subscriber = await openNodeRedis(server.url);
    const store = redisStore(open(), { subscriber });
    const ended: string[] = [];
    const stop = await store.subscribe?.({ ended: (ids) => void ended.push(...ids), gap: () => undefined });
    const session = record();
    await store.insert(session, HOUR);
    await store.delete(session.id);
    await vi.waitFor(() => expect(ended).toEqual([session.id]));
    await stop?.();
    subscriber.destroy();
  });

  test('rule 26: an error quotes neither the command nor the token', async () => {
    const session = record({ body: '{"d":"a private note"}' });
    const error: unknown = await redisStore(open('wrong'))
      .insert(session, HOUR)
      .catch((reason: unknown) => reason);
    expect(String(error)).toContain('WRONGPASS');
    for (const secret of ['private note', TOKEN, session.version]) expect(String(error)).not.toContain(secret);
  });

  test('an invalid answer of the server is an outage', async () => {
    const odd = createServer((_request, response) => response.writeHead(502).end('<html>'));
    await new Promise<void>((resolve) => odd.listen(0, '127.0.0.1', resolve));
    const address = odd.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    await expect(redisStore(new Redis({ url, token: TOKEN })).find(record().id)).rejects.toThrow('status 502');
    odd.closeAllConnections();
    await new Promise((resolve) => odd.close(resolve));
  });
});
