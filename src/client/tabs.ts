import { environment } from './environment.js';
import type { Held, SessionChange } from './types.js';

/**
 * What a tab says to the others of a change that it has made: what it held before, what it holds now, and whether that was chosen by the
 * application (`set` or `clear`) or came with the answer to a request that was sent with `from`.
 */
export type Message = readonly [from: Held, to: Held, isChosen: boolean, reason: SessionChange['reason']];

/**
 * Listens to other tabs.
 *
 * @param look called when the storage may have changed
 * @returns what tells the others
 */
export function joinTabs(name: string, receive: (message: Message) => void, look: () => void): (message: Message) => void {
  const { BroadcastChannel } = environment;
  const channel = BroadcastChannel && new BroadcastChannel(name);
  // A message says more than the storage does: it may take a moment. A page that comes back may have slept through both.
  for (const type of ['storage', 'pageshow']) environment.addEventListener?.(type, () => setTimeout(look, channel ? 250 : 0));
  if (channel) {
    channel.unref?.();
    channel.onmessage = ({ data }: { readonly data: Message }) => receive(data);
  }
  return (message) => channel?.postMessage(message);
}
