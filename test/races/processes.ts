import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Data, Doing, Order, StoreConfig } from './types.js';

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));

/** A separate process, with its own connection to each given store. */
export interface Racer {
  readonly process: ChildProcess;
  /** Opens a store; everything until {@link Racer.close} is about that one. */
  open(config: StoreConfig): Promise<void>;
  create(count: number): Promise<string[]>;
  load(tokens: readonly string[]): Promise<void>;
  act(doing: Doing): Promise<Answer[]>;
  read(tokens: readonly string[]): Promise<(Data | null)[]>;
  close(): Promise<void>;
  stop(): Promise<void>;
}

export function startRacer(): Racer {
  const child = fork(WORKER, { execArgv: ['--import', 'tsx'], serialization: 'advanced' });
  const ask = async <Result>(order: Order): Promise<Result> => {
    child.send(order);
    const [{ result, error }] = await once(child, 'message');
    if (error) throw new Error(`a worker failed: ${error}`);
    return result;
  };
  return {
    process: child,
    open: (config) => ask({ do: 'open', config }),
    create: (count) => ask({ do: 'create', count }),
    load: (tokens) => ask({ do: 'load', tokens }),
    act: (doing) => ask({ do: 'act', doing }),
    read: (tokens) => ask({ do: 'read', tokens }),
    close: () => ask({ do: 'close' }),
    async stop() {
      child.kill();
      await once(child, 'exit');
    },
  };
}
