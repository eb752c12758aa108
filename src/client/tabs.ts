import { environment } from './environment.js';
import type { Held, SessionChange } from './types.js';

/**
 * What a tab says to the others of a change that it has made: what it held before, what it holds
 * now, and why the session has ended.
 */
export type Message = readonly [from: Held, to: Held, reason: SessionChange['reason']];

/**
 * Listens to other tabs.
 *
 * @param hint called when the storage may have changed
 * @returns what tells the others; `undefined` in browsers that are too old for it
 */
export function joinTabs(name: string, receive: (message: Message) => void, hint: () => void): ((message: Message) => void) | undefined {
  const { BroadcastChannel } = environment;
  // A page that comes back may have slept through both.
  for (const type of ['storage', 'pageshow']) environment.addEventListener?.(type, hint);
  if (!BroadcastChannel) return undefined;
  const channel = new BroadcastChannel(name);
  channel.unref?.();
  channel.onmessage = ({ data }: { readonly data: Message }) => receive(data);
  return (message) => channel.postMessage(message);
}
