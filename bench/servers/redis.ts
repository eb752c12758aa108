import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';

export interface RedisServer {
  readonly url: string;
  readonly version: string;
  stop(): Promise<void>;
}

export type NodeRedis = ReturnType<typeof createClient>;

/** A separate Redis on a free port that writes nothing to the disk. */
export async function startRedis(): Promise<RedisServer> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-redis-'));
  const port = await freePort();
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir];
  const server = spawn('redis-server', args, { stdio: 'ignore' });
  const killAtExit = () => server.kill('SIGKILL');
  process.once('exit', killAtExit);
  const url = `redis://127.0.0.1:${port}`;
  const client = createClient({
    url,
    socket: { reconnectStrategy: (tries) => (tries > 100 ? new Error('Redis did not start') : 50) },
  });
  await client.on('error', () => undefined).connect();
  const version = /redis_version:(\S+)/.exec(await client.info('server'))?.[1] ?? 'of unknown version';
  await client.close();
  return {
    url,
    version,
    async stop() {
      process.removeListener('exit', killAtExit);
      server.kill('SIGTERM');
      if (server.exitCode === null) await once(server, 'exit');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (typeof address !== 'object' || !address) throw new Error('no free port');
  return address.port;
}

/**
 * How often each command has run, including commands in scripts, by `INFO commandstats`. The
 * bench's own commands do not count.
 */
export async function commandsOn(client: NodeRedis): Promise<Map<string, number>> {
  const lines = (await client.info('commandstats')).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm);
  const all = [...lines].map(([, name = '', calls]) => [name, Number(calls)] as const);
  return new Map(all.filter(([name]) => !/^(info|client|hello|command)/.test(name)));
}

export function total(commands: ReadonlyMap<string, number>): number {
  return [...commands.values()].reduce((sum, calls) => sum + calls, 0);
}
