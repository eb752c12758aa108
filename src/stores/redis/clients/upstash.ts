import { hasMethods } from '../../shared/kinds.js';
import type { Command, RedisDriver } from './driver.js';

/** A client of `@upstash/redis`: Redis over HTTP. */
export interface UpstashClient {
  /** Runs a script. The client is recognised by it. */
  evalsha(...args: never[]): Promise<unknown>;
  /** Collects commands. The client is recognised by it. */
  pipeline(): object;
}

/** The part of the client that knows the connection. */
interface Requester {
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly readYourWrites?: boolean;
}

/**
 * The driver for a client of Upstash. `undefined` for any other object. Requests bypass the
 * client: it repeats requests whose answers were lost, so a write could run twice. It also turns
 * texts into numbers, and quotes commands with all their arguments in its errors. Over HTTP there
 * are no notifications.
 */
export function upstash(client: object): { readonly driver: RedisDriver; readonly listen: undefined } | undefined {
  const requester: unknown = Reflect.get(client, 'client');
  if (!hasMethods(client, 'evalsha', 'pipeline') || !isRequester(requester)) return undefined;
  const send = sender(requester);
  const driver: RedisDriver = {
    send: (_key, command) => send(command),
    readCommand: 'get',
    clustered: false,
    keyPrefix: '',
    isClosed: () => false,
    resends: () => 0,
    isInStep: () => true,
    primaries: async () => [send],
  };
  return { driver, listen: undefined };
}

function isRequester(value: unknown): value is Requester {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'baseUrl') === 'string' &&
    isHeaders(Reflect.get(value, 'headers'))
  );
}

function isHeaders(value: unknown): value is Readonly<Record<string, string>> {
  return typeof value === 'object' && value !== null;
}

function sender({ baseUrl, headers, readYourWrites }: Requester): (command: Command) => Promise<unknown> {
  const authorization = headers['authorization'] ?? headers['Authorization'] ?? '';
  // A global database answers from the nearest replica that has the writes of this process.
  let syncToken = '';
  return async (command) => {
    const response = await fetch(baseUrl, {
      method: 'POST',
      headers: {
        authorization,
        'content-type': 'application/json',
        ...(readYourWrites !== false && { 'upstash-sync-token': syncToken }),
      },
      body: JSON.stringify(command),
    });
    syncToken = response.headers.get('upstash-sync-token') ?? syncToken;
    const reply: unknown = await response.json().catch(() => undefined);
    if (typeof reply !== 'object' || reply === null)
      throw new Error(`the Redis server answered with status ${response.status}`);
    const error: unknown = Reflect.get(reply, 'error');
    if (typeof error === 'string') throw new Error(error);
    return Reflect.get(reply, 'result');
  };
}
