import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { describe, vi } from 'vitest';
import { servicesHidden, skipSuite } from './missing.js';

/** A server that a test started, and stops. */
export interface RedisServer {
  readonly port: number;
  readonly url: string;
  readonly pid: number;
  /** Sends a signal to the server's process: `SIGKILL`, `SIGSTOP`, `SIGCONT`. */
  signal(name: NodeJS.Signals): void;
  /** Starts it again on the same port and directory, after a kill. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface RedisCluster {
  readonly nodes: readonly RedisServer[];
  /** For the options of the clients. */
  readonly rootNodes: { readonly host: string; readonly port: number; readonly url: string }[];
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const missing =
  servicesHidden() ??
  (spawnSync('redis-server', ['--version']).status === 0 ? undefined : 'there is no redis-server on the PATH');
const available = !skipSuite('the tests that need Redis', missing);

/** `describe` for suites that need a Redis server. */
export const describeWithRedis = available ? describe : describe.skip;

/** Starts a server on a free port, which keeps nothing on disk unless `settings` say so. */
export async function startRedis(settings: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
  const directory = await mkdtemp(join(tmpdir(), 'redis-'));
  const port = await freePort();
  const all = {
    port: String(port),
    bind: HOST,
    dir: directory,
    save: '',
    appendonly: 'no',
    loglevel: 'warning',
    ...settings,
  };
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
  let child = await run(args, port);
  return {
    port,
    url: `redis://${HOST}:${port}`,
    get pid() {
      return child.pid ?? 0;
    },
    signal: (name) => void child.kill(name),
    async restart() {
      await ended(child);
      child = await run(args, port);
    },
    async stop() {
      child.kill('SIGKILL');
      await ended(child);
      await forgetAdmin(`redis://${HOST}:${port}`);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/**
 * Starts a Cluster of this many masters with this many replicas each, and waits until all agree.
 */
export async function startRedisCluster(masters = 3, replicas = 0): Promise<RedisCluster> {
  const settings = {
    'repl-diskless-sync-delay': '0',
    'cluster-enabled': 'yes',
    'cluster-node-timeout': '1000',
    'cluster-require-full-coverage': 'no',
  };
  const nodes: RedisServer[] = [];
  for (let i = 0; i < masters * (1 + replicas); i += 1) {
    nodes.push(await startRedis({ ...settings, 'cluster-port': String(await freePort()) }));
  }
  const [first] = nodes;
  if (!first) throw new Error('a Cluster has at least one master');
  const firstBus = await busPort(first);
  for (const [i, node] of nodes.entries()) {
    if (i < masters) await command(node, ['CLUSTER', 'ADDSLOTSRANGE', ...slotsOf(i, masters)]);
    if (i > 0) await command(node, ['CLUSTER', 'MEET', HOST, String(first.port), firstBus]);
  }
  await Promise.all(nodes.map((node) => agreed(node, nodes.length)));
  for (const [i, node] of nodes.entries()) {
    if (i >= masters) await follow(node, nodes[i % masters] ?? first);
  }
  return {
    nodes,
    rootNodes: nodes.map(({ port, url }) => ({ host: HOST, port, url })),
    stop: async () => void (await Promise.all(nodes.map((node) => node.stop()))),
  };
}

/** Starts a primary, its replica, and a Sentinel that watches them under the name `primary`. */
export async function startSentinel(): Promise<RedisCluster & { readonly name: string }> {
  const primary = await startRedis({ 'repl-diskless-sync-delay': '0' });
  const replica = await startRedis({ replicaof: `${HOST} ${primary.port}`, 'repl-diskless-sync-delay': '0' });
  await vi.waitFor(async () => holds(await command(replica, ['ROLE']), 'connected'), {
    timeout: 10_000,
    interval: 50,
  });
  const directory = await mkdtemp(join(tmpdir(), 'redis-'));
  const port = await freePort();
  const config = `port ${port}\nbind ${HOST}\ndir ${directory}\nsentinel monitor primary ${HOST} ${primary.port} 1\n`;
  const limits = 'sentinel down-after-milliseconds primary 1000\nsentinel failover-timeout primary 5000\n';
  await writeFile(join(directory, 'sentinel.conf'), config + limits);
  const sentinel = await run([join(directory, 'sentinel.conf'), '--sentinel'], port);
  const url = `redis://${HOST}:${port}`;
  // A Sentinel that does not know the replica yet, or has not heard from it, has no new primary.
  await vi.waitFor(
    async () => holds(await command({ url }, ['SENTINEL', 'REPLICAS', 'primary']), 'master-link-status,ok'),
    {
      timeout: 20_000,
      interval: 50,
    },
  );
  return {
    name: 'primary',
    nodes: [primary, replica],
    rootNodes: [{ host: HOST, port, url }],
    async stop() {
      sentinel.kill('SIGKILL');
      await ended(sentinel);
      await forgetAdmin(url);
      await Promise.all([primary.stop(), replica.stop(), rm(directory, { recursive: true, force: true })]);
    },
  };
}

/** Sends one command over a connection that is kept for this. */
export async function command(server: { readonly url: string }, args: string[]): Promise<unknown> {
  const client = await adminOf(server.url);
  return client.sendCommand(args);
}

const connect = (url: string) =>
  createClient({ url, socket: { reconnectStrategy: false } })
    .on('error', () => undefined)
    .connect();
const admins = new Map<string, ReturnType<typeof connect>>();

async function adminOf(url: string): ReturnType<typeof connect> {
  const known = await admins.get(url);
  if (known?.isReady) return known;
  const connecting = connect(url);
  admins.set(url, connecting);
  return connecting;
}

async function forgetAdmin(url: string): Promise<void> {
  const known = await admins.get(url)?.catch(() => undefined);
  admins.delete(url);
  if (known?.isOpen) known.destroy();
}

/** The number of calls of each command since the server started, or since `CONFIG RESETSTAT`. */
export async function commandStats(server: { readonly url: string }): Promise<Record<string, number>> {
  const info = String(await command(server, ['INFO', 'commandstats']));
  return Object.fromEntries(
    [...info.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)].map(([, name, calls]) => [name ?? '', Number(calls)]),
  );
}

/** Everything that a server holds, as text. */
export async function dump(server: { readonly url: string }): Promise<string> {
  const keys = await command(server, ['KEYS', '*']);
  if (!Array.isArray(keys)) return '';
  const values = await Promise.all(
    keys.map(async (key: string) => {
      const type = await command(server, ['TYPE', key]);
      const value = await command(server, type === 'zset' ? ['ZRANGE', key, '0', '-1', 'WITHSCORES'] : ['GET', key]);
      return `${key} ${JSON.stringify(value)}`;
    }),
  );
  return values.sort().join('\n');
}

/** No server outlives the process that started it. */
const running = new Set<ChildProcess>();

function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

async function run(args: readonly string[], port: number): Promise<ChildProcess> {
  const child = spawn('redis-server', args, { stdio: 'ignore' });
  if (running.size === 0) process.once('exit', killAll);
  running.add(child);
  child.once('exit', () => running.delete(child) && running.size === 0 && process.removeListener('exit', killAll));
  await vi.waitFor(() => answers(port), { timeout: 10_000, interval: 20 });
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

async function answers(port: number): Promise<void> {
  const socket = createConnection(port, HOST);
  try {
    socket.write('PING\r\n');
    const [answer] = await once(socket, 'data');
    if (!String(answer).startsWith('+PONG')) throw new Error(`the server is not ready: ${answer}`);
  } finally {
    socket.destroy();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address === 'object' && address) return address.port;
  throw new Error('the system gave no port');
}

function slotsOf(index: number, masters: number): [string, string] {
  const from = Math.floor((16_384 * index) / masters);
  return [String(from), String(Math.floor((16_384 * (index + 1)) / masters) - 1)];
}

async function busPort(node: RedisServer): Promise<string> {
  const [, port = ''] = /@(\d+)/.exec(String(await command(node, ['CLUSTER', 'NODES']))) ?? [];
  return port;
}

async function agreed(node: RedisServer, size: number): Promise<void> {
  await vi.waitFor(
    async () => {
      const info = await command(node, ['CLUSTER', 'INFO']);
      holds(info, 'cluster_state:ok');
      holds(info, `cluster_known_nodes:${size}`);
      holds(info, 'cluster_slots_assigned:16384');
    },
    { timeout: 20_000, interval: 100 },
  );
}

async function follow(node: RedisServer, master: RedisServer): Promise<void> {
  const id = String(await command(master, ['CLUSTER', 'MYID']));
  await command(node, ['CLUSTER', 'REPLICATE', id]);
  await vi.waitFor(async () => holds(await command(node, ['ROLE']), 'connected'), { timeout: 20_000, interval: 100 });
}

function holds(reply: unknown, text: string): void {
  if (!String(reply).includes(text)) throw new Error(`the server does not say ${text} yet: ${reply}`);
}
