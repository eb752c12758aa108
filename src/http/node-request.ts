import type { Call } from '../core/session/call.js';
import { type HeadersLike, headerReader } from './header-reader.js';
import type { Host } from './host.js';
import { isOfSocket, type NodeResponse } from './hosts.js';
import type { OpenedRequest } from './request.js';

/** A request of a Node server, as a framework shows it. */
interface NodeRequest {
  readonly headers: HeadersLike;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
}

/** Opens the request of a Node server. One that becomes a socket has no response. */
export function openNode(host: Host, key: object, request: NodeRequest, response: NodeResponse): OpenedRequest {
  const { headers, method, url } = request;
  const persistent = isOfSocket(key, (name) => headerReader(headers)(name));
  return host.open({
    key,
    headers,
    details: { method, url },
    persistent,
    target: persistent ? { kind: 'none' } : { kind: 'node', response },
  });
}

/** Opens the one call of a request. On a socket it has no outcome, and no other runs inside it. */
export function openOnlyCall(opened: OpenedRequest): Call {
  const { isPersistent } = opened;
  const call = opened.open({ hasOutcome: !isPersistent });
  if (!isPersistent) opened.enclosing = call;
  return call;
}
