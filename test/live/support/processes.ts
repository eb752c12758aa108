import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type {
  Body,
  ClockSetting,
  Endings,
  Inspection,
  LiveStore,
  Moments,
  OpenOptions,
  Order,
  Transport,
} from './types.js';

const SOURCE = fileURLToPath(new URL('./worker.ts', import.meta.url));
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache', import.meta.url));
let worker: Promise<string> | undefined;

/**
 * Built as one script: it starts in half the time, and its functions weigh as in a build, where a
 * loader would give each a name. Its name is a hash of its content, so that all test files share
 * it.
 */
async function bundle(): Promise<string> {
  const options = { bundle: true, packages: 'external', platform: 'node', format: 'esm', target: 'node20' } as const;
  const { outputFiles } = await build({ entryPoints: [SOURCE], write: false, ...options });
  const script = outputFiles[0]?.text ?? '';
  const file = join(CACHE, `live-worker-${createHash('sha256').update(script).digest('hex').slice(0, 16)}.mjs`);
  if (existsSync(file)) return file;
  mkdirSync(CACHE, { recursive: true });
  const own = `${file}.${process.pid}`;
  writeFileSync(own, script);
  renameSync(own, file);
  return file;
}

interface Reply {
  readonly number: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** A separate process that holds subscriptions open, or ends their sessions. */
export interface Live {
  create(count: number, owner: string): Promise<string[]>;
  /** Returns the number that have opened. */
  hold(
    tokens: readonly string[],
    how?: {
      readonly transport?: Transport;
      readonly body?: Body | undefined;
      readonly read?: boolean;
      readonly url?: string | undefined;
    },
  ): Promise<number>;
  /** The URL of its WebSocket server. */
  serve(): Promise<string>;
  /** Ends all subscriptions without a session explicitly. Returns the time. */
  release(): Promise<number>;
  setClock(clock: ClockSetting): Promise<void>;
  sweepAt(moment: number): Promise<number>;
  /** Ends one after the other. Returns the time of each end. */
  endEach(ids: readonly string[], pause?: number): Promise<Moments>;
  endAll(owner: string): Promise<{ readonly count: number; readonly from: number; readonly to: number }>;
  holdAt(tokens: readonly string[], moments: readonly number[]): Promise<void>;
  endAt(ids: readonly string[], moments: readonly number[]): Promise<Moments>;
  raceByTurns(rounds: number, mostTurns: number): Promise<void>;
  endings(patience: number): Promise<Endings>;
  leave(): Promise<void>;
  cycles(token: string, count: number, transport: Transport): Promise<void>;
  mute(muted: boolean): Promise<void>;
  inspect(): Promise<Inspection>;
  stop(): Promise<void>;
}

export async function startLive(config: LiveStore, recheckInterval: number, options: OpenOptions = {}): Promise<Live> {
  worker ??= bundle();
  const child = fork(await worker, { execArgv: ['--expose-gc'], serialization: 'advanced' });
  const ask = asking(child);
  await ask({ do: 'open', config, recheckInterval, options }).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    create: (count, owner) => ask({ do: 'create', count, owner }),
    hold: (tokens, { transport = 'iterable', body = 'waits for ever', read = true, url } = {}) =>
      ask({ do: 'hold', tokens, transport, body, read, url }),
    serve: () => ask({ do: 'serve' }),
    release: () => ask({ do: 'release' }),
    setClock: (clock) => ask({ do: 'clock', clock }),
    sweepAt: (moment) => ask({ do: 'sweep at', moment }),
    endEach: (ids, pause = 0) => ask({ do: 'end each', ids, pause }),
    endAll: (owner) => ask({ do: 'end all', owner }),
    holdAt: (tokens, moments) => ask({ do: 'hold at', tokens, moments }),
    endAt: (ids, moments) => ask({ do: 'end at', ids, moments }),
    raceByTurns: (rounds, mostTurns) => ask({ do: 'turns', rounds, mostTurns }),
    endings: (patience) => ask({ do: 'endings', patience }),
    leave: () => ask({ do: 'leave' }),
    cycles: (token, count, transport) => ask({ do: 'cycles', token, count, transport }),
    mute: (muted) => ask({ do: 'mute', muted }),
    inspect: () => ask({ do: 'inspect' }),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit');
        // A process whose notifications are silent would take as long as its store may.
        await Promise.race([ask({ do: 'close' }), new Promise((resolve) => setTimeout(resolve, 500).unref())]).catch(
          () => undefined,
        );
        child.kill('SIGKILL');
        await exited;
      }
    },
  };
}

function asking(child: ChildProcess): <Result>(order: Order) => Promise<Result> {
  const replies = new EventEmitter().setMaxListeners(0);
  let last = 0;
  child.on('message', (reply: Reply) => replies.emit(String(reply.number), reply));
  child.on('exit', () => {
    // A caller that waits for a reply listens to 'error' as well.
    if (replies.listenerCount('error') > 0) replies.emit('error', new Error('a worker has exited'));
  });
  return async (order) => {
    last += 1;
    const number = last;
    child.send({ number, order });
    const [{ result, error }] = await once(replies, String(number));
    if (error) throw new Error(`a worker failed: ${error}`);
    return result;
  };
}

/** Runs with this many processes on one store, which are stopped in any case. */
export async function withLive<Result>(
  config: LiveStore,
  count: number,
  recheckInterval: number,
  run: (processes: readonly Live[]) => Promise<Result>,
  options: OpenOptions = {},
): Promise<Result> {
  const processes = await Promise.all(
    Array.from({ length: count }, () => startLive(config, recheckInterval, options)),
  );
  try {
    return await run(processes);
  } finally {
    await Promise.all(processes.map((each) => each.stop()));
  }
}
