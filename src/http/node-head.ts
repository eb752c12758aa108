import type { NodeResponse } from './hosts.js';

type WriteHead = (status: number, ...rest: unknown[]) => unknown;
type Listener = (status: number) => void;

/**
 * The key under which a response holds its listeners. Copies of the package share them: two lists
 * would not run in one order, and a head would leave without the token that a later list adds.
 */
const LISTENERS = Symbol.for('token-sessions.head');

/**
 * Calls the listener with the status when the head of a Node response is about to be written. All
 * handlers have run and all headers are set by then, including those passed to `writeHead`. So the
 * headers that the listener sets are sent. Listeners run in the order in which they were added.
 * `early` listeners run before all others. Returns whether the response supports this.
 */
export function onHead(response: NodeResponse, listener: Listener, early = false): boolean {
  const writeHead: unknown = Reflect.get(response, 'writeHead');
  if (typeof writeHead !== 'function') return false;
  const known: unknown = Reflect.get(response, LISTENERS);
  if (Array.isArray(known)) {
    if (early) known.unshift(listener);
    else known.push(listener);
    return true;
  }
  const added = [listener];
  Reflect.defineProperty(response, LISTENERS, { value: added });
  return Reflect.set(response, 'writeHead', headWriter(response, added, writeHead as WriteHead));
}

function headWriter(response: NodeResponse, added: readonly Listener[], writeHead: WriteHead): WriteHead {
  let isWritten = false;
  return function write(this: unknown, status, ...rest) {
    // Node throws for such a status. The head of the answer to that error is still to come.
    if (isWritten || response.headersSent || !isStatus(status)) return writeHead.call(response, status, ...rest);
    const reason = typeof rest[0] === 'string' ? [rest[0]] : [];
    setAll(response, typeof rest[0] === 'string' || rest[0] === undefined ? rest[1] : rest[0]);
    isWritten = true;
    for (const each of added) each(status);
    return writeHead.call(response, status, ...reason);
  };
}

/** Whether Node can send this status. It throws for any other, such as `undefined`. */
export function isStatus(status: number): boolean {
  return status >= 100 && status < 1_000;
}

/**
 * Moves the headers that were passed to `writeHead` to the response. They are an object, a list of
 * pairs, or a flat list.
 */
function setAll(response: NodeResponse, headers: unknown): void {
  if (typeof headers !== 'object' || headers === null) return;
  const values = new Map<string, string[]>();
  for (const [name, value] of pairsOf(headers)) {
    if (value === undefined || value === null) continue;
    values.set(name, [...(values.get(name) ?? []), ...[value].flat().map(String)]);
  }
  for (const [name, all] of values) response.setHeader(name, all.length === 1 ? (all[0] ?? '') : all);
}

function pairsOf(headers: object): (readonly [string, unknown])[] {
  if (!Array.isArray(headers)) return Object.entries(headers);
  const list: readonly unknown[] = headers;
  if (Array.isArray(list[0]))
    return list.flatMap((pair) => (Array.isArray(pair) ? [[String(pair[0]), pair[1]] as const] : []));
  return Array.from({ length: list.length / 2 }, (_, index) => [String(list[2 * index]), list[2 * index + 1]]);
}
