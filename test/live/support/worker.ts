import { LiveProcess } from './live-process.js';
import type { Order } from './types.js';

/*
 * One process of several on one store. Its orders are to hold subscriptions open or to end their
 * sessions.
 */

let live: LiveProcess | undefined;

async function obey(order: Order): Promise<unknown> {
  if (order.do === 'open') {
    live = await LiveProcess.open(order.config, order.recheckInterval, order.options);
    return true;
  }
  if (!live) throw new Error('the worker has not been opened');
  return live.obey(order);
}

process.on('message', ({ number, order }: { number: number; order: Order }) => {
  obey(order).then(
    (result) => process.send?.({ number, result }),
    (error: unknown) =>
      process.send?.({ number, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});

// No process is left that could stop it.
process.on('disconnect', () => process.exit());
