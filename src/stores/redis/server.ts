import { isSessionError, SessionError } from '../../core/error.js';
import type { Command, RedisDriver } from './clients/driver.js';
import { asList, asText, asTexts } from './replies.js';
import type { Script } from './scripts.js';

/** The oldest server that is supported. */
const OLDEST = [6, 2] as const;

/** Commands and scripts over a connection, its server's version checked before the first one. */
export class Server {
  readonly driver: RedisDriver;
  #checked = false;
  #checking: Promise<void> | undefined;

  constructor(driver: RedisDriver) {
    this.driver = driver;
  }

  /** @throws `STORE_UNAVAILABLE` when the client is closed, `NOT_SUPPORTED` when the server is too old, or the client's own error */
  async send(key: string | undefined, command: Command): Promise<unknown> {
    try {
      return this.own(await this.ask(key, command));
    } catch (error) {
      throw this.explain(error);
    }
  }

  /** {@link send} in fewer steps: what it resolves to is left to the caller to take as its {@link own}, and what it rejects with to {@link explain}. */
  ask(key: string | undefined, command: Command): Promise<unknown> {
    return this.#checked ? this.driver.send(key, command) : this.ready().then(() => this.driver.send(key, command));
  }

  /** A reply that has just come. @throws when it may be what the server says to everybody who connects */
  own(reply: unknown): unknown {
    if (reply !== 'OK' || this.driver.isInStep()) return reply;
    throw new Error('the connection was lost while a command was under way: whether it was done is not known');
  }

  /** Whether a command was answered with `OK`. `false` also where that may have been said to somebody who connects. */
  async isDone(key: string, command: Command): Promise<boolean> {
    try {
      return asText(await this.ask(key, command)) === 'OK' && this.driver.isInStep();
    } catch (error) {
      throw this.explain(error);
    }
  }

  /** Runs a script, which the server may have forgotten: after a restart, a fail-over or `SCRIPT FLUSH`. */
  async run(script: Script, key: string, args: readonly string[]): Promise<unknown> {
    try {
      return await this.send(key, ['evalsha', script.sha, '1', key, ...args]);
    } catch (error) {
      if (!isReply(error, 'NOSCRIPT')) throw error;
      return this.send(key, ['eval', script.lua, '1', key, ...args]);
    }
  }

  /** The keys that match, as the servers have them, batch by batch. */
  async *scan(pattern: string): AsyncGenerator<string[]> {
    try {
      await this.ready();
      for (const send of await this.driver.primaries()) {
        let cursor = '0';
        do {
          const [next, keys] = asList(await send(['scan', cursor, 'MATCH', pattern, 'COUNT', '1000']));
          cursor = String(next);
          yield asTexts(keys);
        } while (cursor !== '0');
      }
    } catch (error) {
      throw this.explain(error);
    }
  }

  /** Resolves when the server is known to be one that is supported. */
  ready(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #check(): Promise<void> {
    if (this.#checked) return;
    const version = readVersion(await this.#info());
    if (version && (version[0] < OLDEST[0] || (version[0] === OLDEST[0] && version[1] < OLDEST[1]))) {
      throw new SessionError(
        'NOT_SUPPORTED',
        `redisStore needs Redis ${OLDEST.join('.')} or newer, or Valkey; the server is ${version.join('.')}`,
      );
    }
    this.#checked = true;
  }

  async #info(): Promise<unknown> {
    try {
      return await this.driver.send(undefined, ['info', 'server']);
    } catch (error) {
      // Not every user may ask. What is too old then fails by the first command that it does not know.
      if (isReply(error, 'NOPERM') || isReply(error, 'ERR')) return '';
      throw error;
    }
  }

  explain(error: unknown): unknown {
    if (isSessionError(error) || !this.driver.isClosed()) return error;
    return new SessionError(
      'STORE_UNAVAILABLE',
      'the Redis client is closed: it has to be connected before the first session is used, and to stay open until the last one was',
      { cause: error },
    );
  }
}

function readVersion(info: unknown): readonly [number, number] | undefined {
  const match = typeof info === 'string' ? /^redis_version:(\d+)\.(\d+)/m.exec(info) : null;
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

/** Whether the server answered with this error. Those of commands inside a script are wrapped by older servers. */
export function isReply(error: unknown, code: 'NOSCRIPT' | 'NOPERM' | 'ERR' | 'WRONGTYPE'): boolean {
  if (!(error instanceof Error)) return false;
  return code === 'WRONGTYPE' ? error.message.includes(code) : error.message.startsWith(`${code} `);
}
