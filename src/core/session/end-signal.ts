import type { EndListener } from '../kernel/live-sessions.js';

/**
 * Calls the listener at the end, or immediately if that has come. Returns a function that stops
 * it.
 */
export type Watch = (listener: EndListener) => () => void;

/** The controller of each signal. It lives as long as the signal is held. */
const controllers = new WeakMap<AbortSignal, AbortController>();

/** Stops the watch of a signal that has been collected. */
const collected = new FinalizationRegistry<() => void>((stop) => stop());

/** A signal, as its call uses it. */
export interface EndSignal {
  readonly signal: AbortSignal;
  /** The call is over: the signal is followed from now on only while it has listeners. */
  release(): void;
}

/**
 * A signal that aborts when `watch` calls. The watch holds the signal only while it has listeners.
 * So a listener is always called, and a signal that has no listener and is not held is collected,
 * with its watch. The signal keeps nothing of the request alive.
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

/** The part that outlives the request. It refers to the signal weakly unless it has listeners. */
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
    release: () => {
      isReleased = true;
      if (!listenedTo) stop();
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

/** Calls back when the signal gets its first listener, and when it has lost its last one. */
function countListeners(signal: AbortSignal, changed: (isListened: boolean) => void): void {
  const listeners = new Set<unknown>();
  let handler: AbortSignal['onabort'] = null;
  const { addEventListener, removeEventListener } = signal;
  const tell = () => changed(listeners.size > 0 || handler !== null);

  signal.addEventListener = (type: string, listener: Listener, options?: Parameters<AbortSignal['addEventListener']>[2]): void => {
    if (type === 'abort' && listener) listeners.add(listener);
    tell();
    addEventListener.call(signal, type, listener, options);
  };
  signal.removeEventListener = (type: string, listener: Listener, options?: Parameters<AbortSignal['removeEventListener']>[2]): void => {
    if (type === 'abort') listeners.delete(listener);
    tell();
    removeEventListener.call(signal, type, listener, options);
  };
  Object.defineProperty(signal, 'onabort', {
    configurable: true,
    get: () => handler,
    set(next: AbortSignal['onabort']) {
      if (handler) removeEventListener.call(signal, 'abort', handler);
      handler = typeof next === 'function' ? next : null;
      if (handler) addEventListener.call(signal, 'abort', handler);
      tell();
    },
  });
}
