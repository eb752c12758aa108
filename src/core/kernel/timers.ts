/** Makes a timer not keep the process alive, if the runtime supports that. */
export function unref<Timer>(timer: Timer): Timer {
  callOn(timer, 'unref');
  return timer;
}

/**
 * Clears a timer and leaves nothing behind. Node keeps a list of timers for each duration. After
 * `clearTimeout`, an empty list stays until its time has come, unless the last timer in it kept
 * the process alive. Deadlines are days away and all have different durations, so such lists would
 * pile up.
 */
export function clearQuietly(timer: ReturnType<typeof setTimeout> | undefined): void {
  callOn(timer, 'ref');
  clearTimeout(timer);
}

function callOn(timer: unknown, method: 'ref' | 'unref'): void {
  const call: unknown = typeof timer === 'object' && timer !== null ? Reflect.get(timer, method) : undefined;
  if (typeof call === 'function') Reflect.apply(call, timer, []);
}

/** Lets other waiting work run, for this many ms. */
export function pause(ms = 0): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
