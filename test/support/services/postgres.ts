import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { servicesHidden, skipSuite } from './missing.js';

/** The address of the server, for clients of pg. */
export interface PostgresConfig {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

export interface PostgresServer {
  readonly config: PostgresConfig;
  /** The process id of the postmaster, which changes with {@link restart}. */
  readonly pid: number;
  /** The server's log so far. */
  log(): string;
  /** Kills the server (SIGKILL: as in a crash) and starts it again on the same port and data. */
  restart(): Promise<void>;
  /** Kills it (SIGKILL) permanently. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** The reason why no server can be started here, or `undefined`. */
export function postgresMissing(): string | undefined {
  return servicesHidden() ?? (binaries() ? undefined : 'PostgreSQL is not installed (no initdb on the PATH)');
}

/**
 * Whether a suite that needs the server is left out, which is printed on the console. With
 * `REQUIRE_SERVICES=1` no suite is left out: it fails if the server is missing.
 */
export function skipPostgres(suite: string): boolean {
  return skipSuite(suite, postgresMissing());
}

/** {@link skipPostgres} for tests of {@link startStandby}: its tool comes with the clients. */
export function skipStandby(suite: string): boolean {
  return skipSuite(
    suite,
    postgresMissing() ?? (binaries(['pg_basebackup']) ? undefined : 'there is no pg_basebackup'),
  );
}

type Settings = Readonly<Record<string, string>>;

/** Starts a server on a free port, in a temporary directory that is removed with it. */
export function startPostgres(settings: Settings = {}): Promise<PostgresServer> {
  // The data of a test need not survive a crash.
  const init = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  return start('initdb', init, settings);
}

/** A standby of a server, which follows it asynchronously. */
export function startStandby({ config }: PostgresServer, settings: Settings = {}): Promise<PostgresServer> {
  const from = [
    '-h',
    config.host,
    '-p',
    String(config.port),
    '-U',
    config.user,
    '--write-recovery-conf',
    '--checkpoint=fast',
    '--no-sync',
  ];
  return start('pg_basebackup', from, settings);
}

/** Gives a folder to the account of the servers, so that they can keep data in it. */
export function giveToPostgres(path: string): void {
  const account = unprivileged();
  if (account) chownSync(path, account.uid, account.gid);
}

/** @param program makes the folder of data, with its path as `-D` */
async function start(program: string, init: readonly string[], settings: Settings): Promise<PostgresServer> {
  const bin = binaries();
  if (!bin) throw new Error(postgresMissing());
  const directory = mkdtempSync(join(tmpdir(), 'token-sessions-postgres-'));
  giveToPostgres(directory);
  const options: SpawnOptions = { ...unprivileged(), cwd: directory };
  const data = join(directory, 'data');
  await promisify(execFile)(join(binaries([program]) ?? bin, program), ['-D', data, ...init], options);
  const config = { host: '127.0.0.1', port: await freePort(), user: 'postgres', database: 'postgres' };
  const all = { ...BASE, ...settings, port: String(config.port) };
  const args = ['-D', data, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  let logged = '';
  const launch = async (): Promise<ChildProcess> => {
    const child = spawn(join(bin, 'postgres'), args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr?.on('data', (chunk: Buffer) => {
      logged += chunk.toString();
    });
    await ready(config, child, () => logged);
    return child;
  };
  let server = await launch();
  const killAtExit = () => server.kill('SIGQUIT');
  process.once('exit', killAtExit);
  return {
    config,
    get pid() {
      return server.pid ?? 0;
    },
    log: () => logged,
    async restart() {
      await end(server, 'SIGKILL');
      server = await relaunch(launch);
    },
    kill: () => end(server, 'SIGKILL'),
    async stop() {
      process.removeListener('exit', killAtExit);
      await end(server, 'SIGINT');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const BASE = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'off',
  shared_buffers: '16MB',
  max_connections: '100',
};

/** The folder of the server's programs: on the PATH, or where Debian keeps them. */
function binaries(programs: readonly string[] = ['initdb', 'postgres']): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, 'bin')) : [];
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...versions];
  return folders.find((folder) => programs.every((program) => existsSync(join(folder, program))));
}

/** The server refuses to run as root. Then the ids are those of another account. */
function unprivileged(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const [, , uid, gid] =
    accounts.find(([name]) => name === 'postgres') ?? accounts.find(([name]) => name === 'nobody') ?? [];
  return { uid: Number(uid ?? 65_534), gid: Number(gid ?? 65_534) };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

async function ready(config: PostgresConfig, child: ChildProcess, log: () => string): Promise<void> {
  for (const giveUpAt = Date.now() + 30_000; ; ) {
    const client = new pg.Client(config);
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (child.exitCode !== null || Date.now() > giveUpAt)
        throw new Error(`PostgreSQL did not start:\n${log()}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

/** After a crash the server refuses to start while the old one's processes are still ending. */
async function relaunch(launch: () => Promise<ChildProcess>): Promise<ChildProcess> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await launch();
    } catch (error) {
      if (tries === 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill(signal);
  });
}
