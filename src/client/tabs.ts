import { environment } from './environment.js';
import type { Held, SessionChange } from './types.js';

/**
 * A message to other tabs about a change in this tab: the token before, the token now, and why the
 * session has ended.
 */
export type Message = readonly [from: Held, to: Held, reason: SessionChange['reason']];

/**
 * Listens to other tabs.
 *
 * @param hint called when the storage may have changed
 * @returns a function that sends to other tabs; `undefined` in browsers that are too old
 */
export function joinTabs(
  name: string,
  receive: (message: Message) => void,
  hint: () => void,
): ((message: Message) => void) | undefined {
  const { BroadcastChannel } = environment;
  // A page that comes back from the cache may have missed messages and storage events.
  for (const type of ['storage', 'pageshow']) environment.addEventListener?.(type, hint);
  if (!BroadcastChannel) return undefined;
  const channel = new BroadcastChannel(name);
  channel.unref?.();
  channel.onmessage = ({ data }: { readonly data: Message }) => receive(data);
  return (message) => channel.postMessage(message);
}
