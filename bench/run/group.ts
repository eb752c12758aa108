import { type ChildProcess, fork } from 'node:child_process';
import type { Answer, Question } from '../contestants/process.ts';
import type { Servers } from '../servers/all.ts';
import type { Cost, Load, Measurable } from './measure.ts';

/** A contestant in another process. */
export interface Remote extends Measurable {
  /** The store commands for one request. */
  commands(): Promise<number>;
}

/**
 * Runs `use` with the contestants of these keys, together in one process that has no others. A
 * whole process may be some per cent faster or slower than another, so only contestants of one
 * group are compared. But code that meets the object shapes of many libraries and stores is slower
 * than in any application, so the groups are small.
 */
export async function withGroup<Result>(
  keys: readonly string[],
  { redisUrl, postgres, sqliteFile }: Servers,
  use: (contestants: readonly Remote[]) => Promise<Result>,
): Promise<Result> {
  const url = new URL('../contestants/process.ts', import.meta.url);
  const child = fork(url, [JSON.stringify(keys), JSON.stringify({ redisUrl, postgres, sqliteFile })]);
  try {
    const first = await answerOf(child);
    if (!('names' in first)) throw new Error('the first message of a group was not its names');
    return await use(first.names.map((name, about) => remote(child, name, about)));
  } finally {
    child.disconnect();
  }
}

function remote(child: ChildProcess, name: string, about: number): Remote {
  const ask = async (question: Question): Promise<Answer> => {
    const answer = answerOf(child);
    child.send(question);
    return answer;
  };
  return {
    name,
    async measure(load: Load): Promise<Cost> {
      const answer = await ask({ about, load });
      return 'cost' in answer ? answer.cost : { cpu: Number.NaN, wall: Number.NaN };
    },
    async commands() {
      const answer = await ask({ about, commands: true });
      return 'commands' in answer ? answer.commands : Number.NaN;
    },
  };
}

function answerOf(child: ChildProcess): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a process of contestants ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (message: Answer) => {
      child.removeListener('exit', ended);
      resolve(message);
    });
  });
}
