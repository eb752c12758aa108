import type { Session } from '../../core/types.js';
import { typed } from '../../http/context.js';
import type { Host } from '../../http/host.js';
import { currentRequest, openRender } from './request.js';

/**
 * The session of the request that is being rendered, or of the route or action around the call.
 */
export async function renderSession<Data>(host: Host): Promise<Session<Data> | null> {
  const { enclosing: call } = openRender(host, await currentRequest());
  await call?.load();
  return typed<Data>(call?.liveSession ?? null);
}
