/*
 * Recognises the objects that hosts pass in. It looks at their shape, never at their class,
 * because other realms, ponyfills and frameworks have their own classes.
 */

/** The part of a Node response that setting headers needs. */
export interface NodeResponse {
  readonly headersSent: boolean;
  setHeader(name: string, value: string | string[]): unknown;
  getHeader(name: string): number | string | string[] | undefined;
  removeHeader?(name: string): unknown;
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** A property of a foreign object. `undefined` if reading it throws, as for private fields. */
export function field(value: unknown, name: PropertyKey): unknown {
  if (!isObject(value)) return undefined;
  try {
    return Reflect.get(value, name);
  } catch {
    return undefined;
  }
}

export function isNodeResponse(value: unknown): value is NodeResponse {
  const hasMethods = ['setHeader', 'getHeader'].every((name) => typeof field(value, name) === 'function');
  return hasMethods && typeof field(value, 'headersSent') === 'boolean';
}

/**
 * The WebSocket that tRPC passes as the response. Express and Fastify responses have `send` too.
 */
export function isWebSocketResponse(value: unknown): boolean {
  return (
    isObject(value) && field(value, 'readyState') !== undefined && typeof field(value, 'terminate') === 'function'
  );
}

/** A WebSocket. The plain socket on Koa's contexts has no `send`. */
export function isWebSocket(value: unknown): value is object {
  return isObject(value) && typeof field(value, 'send') === 'function' && typeof field(value, 'close') === 'function';
}

/** Whether a request asks to be upgraded to a WebSocket. */
export function isUpgrade(header: (name: string) => string | undefined): boolean {
  return header('upgrade')?.toLowerCase() === 'websocket';
}

/**
 * Whether a request becomes a socket, so that nothing answers it. Node knows it. Elsewhere the
 * header decides, which is the safer case.
 */
export function isOfSocket(request: unknown, header: (name: string) => string | undefined): boolean {
  const upgraded = field(request, 'upgrade');
  return typeof upgraded === 'boolean' ? upgraded : isUpgrade(header);
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
