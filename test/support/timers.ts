import { vi } from 'vitest';

/**
 * Counts the running timers that a source file has set. Code of an earlier test file in this
 * worker may still run, and set timers as well. `vi.restoreAllMocks()` ends the count.
 *
 * @param path the end of the file's path
 */
export function countTimers(path: string): () => number {
  const running = new Set<unknown>();
  const [set, clear] = [globalThis.setTimeout, globalThis.clearTimeout];
  vi.spyOn(globalThis, 'setTimeout').mockImplementation((run, ms) => {
    const isOwn = new Error('whose').stack?.includes(path);
    const timer = set(() => {
      running.delete(timer);
      run();
    }, ms);
    if (isOwn) running.add(timer);
    return timer;
  });
  vi.spyOn(globalThis, 'clearTimeout').mockImplementation((timer) => {
    running.delete(timer);
    clear(timer);
  });
  return () => running.size;
}
