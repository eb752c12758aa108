import { type ChildProcess, fork } from 'node:child_process';
import type { Answer, Question } from '../contestants/process.ts';
import type { Servers } from '../servers/all.ts';
import type { Cost, Load, Measurable } from './measure.ts';

/** A contestant that has a process to itself. */
export interface OwnProcess extends Measurable {
  /** The store commands for one request. */
  commands(): Promise<number>;
  stop(): void;
}

/**
 * Starts the contestants with these keys, each in its own process, as an application has it: one
 * library and one store. In one process, each would pay for the shapes of all others.
 */
export async function startContestants(keys: readonly string[], servers: Servers): Promise<OwnProcess[]> {
  const started: OwnProcess[] = [];
  try {
    // One after the other: they fill the same servers.
    for (const key of keys) started.push(await startContestant(key, servers));
  } catch (error) {
    stopAll(started);
    throw error;
  }
  return started;
}

export function stopAll(processes: readonly OwnProcess[]): void {
  for (const each of processes) each.stop();
}

async function startContestant(key: string, { redisUrl, postgres, sqliteFile }: Servers): Promise<OwnProcess> {
  const url = new URL('../contestants/process.ts', import.meta.url);
  const child = fork(url, [key, JSON.stringify({ redisUrl, postgres, sqliteFile })]);
  const ask = async (question: Question): Promise<Answer> => {
    const answer = answerOf(child, key);
    child.send(question);
    return answer;
  };
  const first = await answerOf(child, key);
  if (!('name' in first)) throw new Error(`the first message of ${key} was not its name`);
  return {
    name: first.name,
    async measure(load: Load): Promise<Cost> {
      const answer = await ask({ load });
      return 'cost' in answer ? answer.cost : { cpu: Number.NaN, wall: Number.NaN };
    },
    async commands() {
      const answer = await ask({ commands: true });
      return 'commands' in answer ? answer.commands : Number.NaN;
    },
    stop: () => child.disconnect(),
  };
}

function answerOf(child: ChildProcess, key: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`the process of ${key} ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (message: Answer) => {
      child.removeListener('exit', ended);
      resolve(message);
    });
  });
}
