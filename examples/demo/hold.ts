import type { SessionStore } from 'token-sessions';

/**
 * Delays the next write of a session, so that the demo can force the order of two racing requests.
 */
export function holdNextWrite(store: SessionStore): { readonly reached: Promise<void>; release(): void } {
  const { replace } = store;
  const reached = deferred();
  const released = deferred();
  store.replace = async (...args) => {
    store.replace = replace;
    reached.resolve();
    await released.promise;
    return replace.apply(store, args);
  };
  return { reached: reached.promise, release: released.resolve };
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
