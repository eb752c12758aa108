import type { EndListener } from '../kernel/watched.js';

/**
 * Calls the listener when the session ends, or immediately if it already has. Returns a function
 * that removes the listener.
 */
export type Watch = (listener: EndListener) => () => void;

/** The controller of each signal. It lives as long as something holds the signal. */
const controllers = new WeakMap<AbortSignal, AbortController>();

/** Stops the watch of a signal that was garbage-collected. */
const collected = new FinalizationRegistry<() => void>((stop) => stop());

/** A signal, and how its call lets go of it. */
export interface EndSignal {
  readonly signal: AbortSignal;
  /**
   * Called when the call is over (`true`): from now on, the signal is watched only while it has
   * listeners. `false`: the call goes on as a stream, whose body may look at the signal instead.
   */
  release(isOver: boolean): void;
}

/**
 * Makes a signal that aborts when `watch` calls its listener. The watch holds the signal only
 * while the signal has listeners. So every listener is called, and a signal that nothing holds or
 * listens to is garbage-collected, together with its watch. The signal keeps nothing of the
 * request alive.
 */
export function endSignal(watch: Watch): EndSignal {
  const controller = new AbortController();
  const { signal } = controller;
  controllers.set(signal, controller);
  const following = follow(new WeakRef(signal), watch);
  countListeners(signal, following.listened);
  collected.register(signal, following.stop);
  return { signal, release: following.release };
}

/** This part outlives the request. It holds the signal weakly, unless the signal has listeners. */
function follow(weak: WeakRef<AbortSignal>, watch: Watch) {
  let listenedTo: AbortSignal | undefined;
  let isReleased = false;
  let stopWatching: (() => void) | undefined;
  const start = () => {
    stopWatching ??= watch((reason) => {
      const target = weak.deref();
      listenedTo = undefined;
      if (target) controllers.get(target)?.abort(reason);
    });
  };
  const stop = () => {
    stopWatching?.();
    stopWatching = undefined;
  };
  start();
  return {
    stop,
    release: (isOver: boolean) => {
      isReleased = isOver;
      if (!isOver) start();
      else if (!listenedTo) stop();
    },
    listened: (isListened: boolean) => {
      const target = weak.deref();
      listenedTo = isListened && target && !target.aborted ? target : undefined;
      if (listenedTo) start();
      else if (isReleased) stop();
    },
  };
}

type Listener = Parameters<AbortSignal['addEventListener']>[1];

/** Calls `changed` whenever the signal's listeners change. */
function countListeners(signal: AbortSignal, changed: (isListened: boolean) => void): void {
  const listeners = new Set<unknown>();
  let handler: AbortSignal['onabort'] = null;
  const { addEventListener, removeEventListener } = signal;
  const report = () => changed(listeners.size > 0 || handler !== null);

  signal.addEventListener = (
    type: string,
    listener: Listener,
    options?: Parameters<AbortSignal['addEventListener']>[2],
  ): void => {
    if (type === 'abort' && listener) listeners.add(listener);
    report();
    addEventListener.call(signal, type, listener, options);
  };
  signal.removeEventListener = (
    type: string,
    listener: Listener,
    options?: Parameters<AbortSignal['removeEventListener']>[2],
  ): void => {
    if (type === 'abort') listeners.delete(listener);
    report();
    removeEventListener.call(signal, type, listener, options);
  };
  Object.defineProperty(signal, 'onabort', {
    configurable: true,
    get: () => handler,
    set(next: AbortSignal['onabort']) {
      if (handler) removeEventListener.call(signal, 'abort', handler);
      handler = typeof next === 'function' ? next : null;
      if (handler) addEventListener.call(signal, 'abort', handler);
      report();
    },
  });
}
