import { isSessionError, SessionError } from '../../core/error.js';
import { Warnings } from '../shared/warnings.js';
import type { Command, RedisDriver } from './clients/driver.js';
import { asList, asText, asTexts } from './replies.js';
import type { Script } from './scripts.js';

/** The oldest server that is supported. */
const OLDEST = [6, 2] as const;

/** The shortest time between two tries to have the client look for the primary, in ms. */
const LOOK_AGAIN = 1_000;

/** Commands and scripts over a connection, its server's version checked before the first one. */
export class Server {
  readonly driver: RedisDriver;
  readonly #probe: string;
  readonly #warnings = new Warnings();
  /** Its version is known, and nothing says that it is not the primary. */
  #trusted = false;
  #checked = false;
  #checking: Promise<void> | undefined;
  #lookedForPrimary = Number.NEGATIVE_INFINITY;
  #evicts = false;

  /**
   * `probe`: the name of a key that does not exist, by which is found whether the server takes
   * writes.
   */
  constructor(driver: RedisDriver, probe: string) {
    this.driver = driver;
    this.#probe = probe;
  }

  /** Whether the server may remove keys before their time. */
  get evicts(): boolean {
    return this.#evicts;
  }

  onWarning(listener: (message: string) => void): void {
    this.#warnings.add(listener);
  }

  /**
   * @throws `STORE_UNAVAILABLE` when the client is closed, `NOT_SUPPORTED` when the server is too
   * old, or the client's own error
   */
  async send(key: string | undefined, command: Command): Promise<unknown> {
    try {
      return this.own(await this.ask(key, command));
    } catch (error) {
      throw this.explain(error);
    }
  }

  /**
   * {@link send} in fewer steps: what it resolves to is left to the caller to take as its {@link
   * own}, and what it rejects with to {@link explain}.
   */
  ask(key: string | undefined, command: Command): Promise<unknown> {
    return this.#trusted ? this.driver.send(key, command) : this.ready().then(() => this.driver.send(key, command));
  }

  /**
   * A reply that has just come. @throws when it may be what the server says to every client that
   * connects
   */
  own(reply: unknown): unknown {
    if (reply !== 'OK' || this.driver.isInStep()) return reply;
    throw new Error('the connection was lost while a command was under way: whether it was done is not known');
  }

  /**
   * Whether a command was answered with `OK`. `false` also where that may have been said to
   * a client that connects.
   */
  async isDone(key: string, command: Command): Promise<boolean> {
    try {
      return asText(await this.ask(key, command)) === 'OK' && this.driver.isInStep();
    } catch (error) {
      throw this.explain(error);
    }
  }

  /**
   * Runs a script, which the server may have forgotten: after a restart, a fail-over or `SCRIPT
   * FLUSH`.
   */
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

  /** Resolves when the server is known to be one that is supported, and a primary. */
  ready(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #check(): Promise<void> {
    if (this.#trusted) return;
    if (!this.#checked) await this.#inspect();
    else await this.#assertPrimary();
    this.#trusted = true;
  }

  /**
   * Its answers may be old, also those to reads: of what the primary has ended since, it knows
   * nothing.
   */
  async #assertPrimary(): Promise<void> {
    try {
      // No key is removed, but a replica refuses.
      await this.driver.send(this.#probe, ['del', this.#probe]);
    } catch (error) {
      throw this.explain(error);
    }
  }

  async #inspect(): Promise<void> {
    const info = await this.#info();
    this.#checkVersion(info);
    this.#checkEviction(info);
    this.#checked = true;
  }

  /**
   * An owner's index is used more rarely than the sessions that it names: where keys are evicted,
   * it may go before them.
   */
  #checkEviction(info: unknown): void {
    const policy = fieldOf(info, 'maxmemory_policy');
    this.#evicts = policy !== undefined && policy !== 'noeviction' && fieldOf(info, 'maxmemory') !== '0';
    if (!this.#evicts) return;
    this.#warnings.report(
      `the Redis server may evict sessions when its memory is full (maxmemory-policy is ${policy}): users are then logged out, and a ` +
        'session that is missing from its account until it is used again is not ended with it. Set maxmemory-policy to noeviction.',
    );
  }

  #checkVersion(info: unknown): void {
    const version = readVersion(info);
    if (version && (version[0] < OLDEST[0] || (version[0] === OLDEST[0] && version[1] < OLDEST[1]))) {
      throw new SessionError(
        'NOT_SUPPORTED',
        `redisStore needs Redis ${OLDEST.join('.')} or newer, or Valkey; the server is ${version.join('.')}`,
      );
    }
  }

  async #info(): Promise<unknown> {
    try {
      return await this.driver.send(undefined, ['info']);
    } catch (error) {
      // Not every user may ask. What is too old then fails by the first command that it does not
      // know.
      if (isReply(error, 'NOPERM') || isReply(error, 'ERR')) return '';
      throw error;
    }
  }

  /**
   * The server has become a replica. Nothing that it says is believed until it takes writes again,
   * or another one answers.
   */
  #demoted(cause: unknown): SessionError {
    this.#trusted = false;
    if (performance.now() - this.#lookedForPrimary > LOOK_AGAIN) {
      this.#lookedForPrimary = performance.now();
      this.driver.lookForPrimary?.();
    }
    return new SessionError(
      'STORE_UNAVAILABLE',
      'the Redis server refuses writes as a replica does (READONLY): the client has to connect to the primary, for example by Sentinels',
      { cause },
    );
  }

  explain(error: unknown): unknown {
    if (isReply(error, 'READONLY') && !this.driver.clustered) return this.#demoted(error);
    if (isSessionError(error) || !this.driver.isClosed()) return error;
    return new SessionError(
      'STORE_UNAVAILABLE',
      'the Redis client is closed: it has to be connected before the first session is used, and to stay open until the last one was',
      { cause: error },
    );
  }
}

function fieldOf(info: unknown, name: string): string | undefined {
  return typeof info === 'string' ? new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] : undefined;
}

function readVersion(info: unknown): readonly [number, number] | undefined {
  const match = typeof info === 'string' ? /^redis_version:(\d+)\.(\d+)/m.exec(info) : null;
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

/**
 * Whether the server answered with this error. Those of commands inside a script are wrapped by
 * older servers.
 */
export function isReply(error: unknown, code: 'NOSCRIPT' | 'NOPERM' | 'ERR' | 'WRONGTYPE' | 'READONLY'): boolean {
  if (!(error instanceof Error)) return false;
  return code === 'WRONGTYPE' || code === 'READONLY' ? error.message.includes(code) : error.message.startsWith(`${code} `);
}
