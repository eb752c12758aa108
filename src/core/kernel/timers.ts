/** A timer that does not keep the process alive, where the runtime has such timers. */
export function unref<Timer>(timer: Timer): Timer {
  callOn(timer, 'unref');
  return timer;
}

/**
 * Clears a timer so that nothing of it stays. Node keeps a list of timers for each duration. A
 * cleared timer leaves an empty list behind until its time has come, unless the last one in it
 * kept the process alive. Deadlines are days away and their durations all differ.
 */
export function clearQuietly(timer: ReturnType<typeof setTimeout> | undefined): void {
  callOn(timer, 'ref');
  clearTimeout(timer);
}

function callOn(timer: unknown, method: 'ref' | 'unref'): void {
  const call: unknown = typeof timer === 'object' && timer !== null ? Reflect.get(timer, method) : undefined;
  if (typeof call === 'function') Reflect.apply(call, timer, []);
}
