import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ROOT } from '../packed.js';
import type { Task, Verdict } from './runner.js';

/** Runs tasks in a runner, and starts another one when a mutant does not come to an end. */
export class Bench {
  #child: ChildProcess | undefined;

  /** The verdict, or undefined after `limit` milliseconds without one. */
  async run(task: Task, limit: number): Promise<Verdict | undefined> {
    const child = this.#child ?? (await this.#start());
    const verdict = await new Promise<Verdict | undefined>((resolve) => {
      const timer = setTimeout(resolve, limit, undefined);
      const settle = (answer: Verdict | undefined): void => {
        clearTimeout(timer);
        child.removeAllListeners();
        resolve(answer);
      };
      child.once('message', settle);
      // The mutant ended the runner itself.
      child.once('exit', () => settle(undefined));
      child.send(task);
    });
    if (!verdict) this.close();
    return verdict;
  }

  /** Ends the runner with its workers, which form a process group. */
  close(): void {
    const pid = this.#child?.pid;
    this.#child?.removeAllListeners();
    this.#child = undefined;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has gone.
    }
  }

  async #start(): Promise<ChildProcess> {
    const child = fork(fileURLToPath(new URL('runner.ts', import.meta.url)), [], {
      cwd: ROOT,
      detached: true,
      // As the command of Vitest has it. Otherwise Vite sets it to development, and hosts show
      // their errors.
      env: { ...process.env, NODE_ENV: 'test' },
      // The output of the tests says nothing about the mutants.
      stdio: ['ignore', 'ignore', process.env['MUTANTS_DEBUG'] ? 'inherit' : 'ignore', 'ipc'],
    });
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', (code) => reject(new Error(`the runner ended with ${code}: MUTANTS_DEBUG=1 shows why`)));
    });
    child.removeAllListeners();
    return child;
  }
}
