import type { SessionContext } from '../../core/types.js';
import { conclude, contextOf, enter, statusInNext } from '../../http/handle.js';
import type { Host } from '../../http/host.js';
import type { OpenedRequest } from '../../http/request.js';
import { currentRequest, type NextRequest, openAction, writeCookies } from './request.js';

/** Runs a server action in a call of its own. */
export async function runAction<Data, Input, Result>(
  host: Host,
  run: (context: SessionContext<Data, Input>) => Promise<Result>,
): Promise<Result> {
  const request = await currentRequest();
  const opened = openAction(host, request);
  const { call, leave } = enter(opened);
  try {
    const session = await call.admit();
    const result = await call.start(() => run(contextOf(call, session)));
    await conclude(call, 200);
    return result;
  } catch (error) {
    await conclude(call, statusInNext(error));
    throw error;
  } finally {
    deliver(opened, request, host);
    leave();
  }
}

function deliver({ head }: OpenedRequest, request: NextRequest, host: Host): void {
  head.settle();
  if (!head.isWritten) return;
  writeCookies(request, head.headers);
  if (head.headers.getSetCookie().length === 0) host.warnOnce(NO_COOKIE);
}

const NO_COOKIE =
  'a server action can write only cookies: return the token to your own code, or use a route or cookie()';
