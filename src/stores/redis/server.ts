import { isSessionError, SessionError } from '../../core/error.js';
import { Warnings } from '../shared/warnings.js';
import type { Command, RedisDriver } from './clients/driver.js';
import { asList, asText, asTexts } from './replies.js';
import type { Script } from './scripts.js';

/** The oldest supported server. */
const OLDEST = [6, 2] as const;

/** The shortest time between two attempts to make the client look for the primary, in ms. */
const LOOK_AGAIN = 1_000;

/** Runs commands and scripts on a connection. It checks the server's version before the first. */
export class Server {
  readonly driver: RedisDriver;
  readonly #probe: string;
  readonly #warnings = new Warnings();
  /** Whether the version is known, and nothing suggests that the server is not the primary. */
  #trusted = false;
  #checked = false;
  #checking: Promise<void> | undefined;
  #lookedForPrimary = Number.NEGATIVE_INFINITY;
  #evicts = false;

  /**
   * @param probe the name of a key that does not exist; it shows whether the server accepts writes
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
   *   old, or the client's own error
   */
  async send(key: string | undefined, command: Command): Promise<unknown> {
    try {
      return this.own(await this.ask(key, command));
    } catch (error) {
      throw this.explain(error);
    }
  }

  /**
   * {@link send} in fewer steps. The caller must pass the result through {@link own} and an error
   * through {@link explain}.
   */
  ask(key: string | undefined, command: Command): Promise<unknown> {
    return this.#trusted ? this.driver.send(key, command) : this.ready().then(() => this.driver.send(key, command));
  }

  /**
   * Returns a reply that has just arrived.
   *
   * @throws if the reply may be the server's greeting to a new connection
   */
  own(reply: unknown): unknown {
    if (reply !== 'OK' || this.driver.isInStep()) return reply;
    throw new Error('the connection was lost during a command: it is not known whether the command has run');
  }

  /**
   * Whether the answer to a command is `OK`. Also `false` if the `OK` may belong to the greeting
   * of a new connection.
   */
  async isDone(key: string, command: Command): Promise<boolean> {
    try {
      return asText(await this.ask(key, command)) === 'OK' && this.driver.isInStep();
    } catch (error) {
      throw this.explain(error);
    }
  }

  /**
   * Runs a script. The server may have forgotten it: after a restart, a fail-over or
   * `SCRIPT FLUSH`.
   */
  async run(script: Script, key: string, args: readonly string[]): Promise<unknown> {
    try {
      return await this.send(key, ['evalsha', script.sha, '1', key, ...args]);
    } catch (error) {
      if (!isReply(error, 'NOSCRIPT')) throw error;
      return this.send(key, ['eval', script.lua, '1', key, ...args]);
    }
  }

  /** The matching keys in batches, with their names on the server. */
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

  /** Resolves when the server is known to be supported and a primary. */
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
   * A replica may give old answers, even to reads: it may not know what the primary has ended
   * since.
   */
  async #assertPrimary(): Promise<void> {
    try {
      // No key is removed, but a replica refuses the command.
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
   * Warns about eviction. An owner's index is used more rarely than the sessions in it. So a
   * server that evicts keys may remove the index first.
   */
  #checkEviction(info: unknown): void {
    const policy = fieldOf(info, 'maxmemory_policy');
    this.#evicts = policy !== undefined && policy !== 'noeviction' && fieldOf(info, 'maxmemory') !== '0';
    if (!this.#evicts) return;
    this.#warnings.report(
      `the Redis server may evict sessions when its memory is full (maxmemory-policy is ${policy}). Evicted users are logged out. ` +
        'A session may be missing from its account until its next use, and then does not end with the account. Set maxmemory-policy to noeviction.',
    );
  }

  #checkVersion(info: unknown): void {
    const version = readVersion(info);
    if (version && (version[0] < OLDEST[0] || (version[0] === OLDEST[0] && version[1] < OLDEST[1]))) {
      throw new SessionError(
        'NOT_SUPPORTED',
        `redisStore needs Redis ${OLDEST.join('.')} or newer, or Valkey, but the server is ${version.join('.')}`,
      );
    }
  }

  async #info(): Promise<unknown> {
    try {
      return await this.driver.send(undefined, ['info']);
    } catch (error) {
      // The user may lack the permission. Then an old server fails at the first unknown command.
      if (isReply(error, 'NOPERM') || isReply(error, 'ERR')) return '';
      throw error;
    }
  }

  /**
   * The server has become a replica. No answer of it counts until it accepts writes again, or
   * another server answers.
   */
  #demoted(cause: unknown): SessionError {
    this.#trusted = false;
    if (performance.now() - this.#lookedForPrimary > LOOK_AGAIN) {
      this.#lookedForPrimary = performance.now();
      this.driver.lookForPrimary?.();
    }
    return new SessionError(
      'STORE_UNAVAILABLE',
      'the Redis server refuses writes because it is a replica (READONLY): the client must connect to the primary, for example through Sentinels',
      { cause },
    );
  }

  explain(error: unknown): unknown {
    if (isReply(error, 'READONLY') && !this.driver.clustered) return this.#demoted(error);
    if (isSessionError(error) || !this.driver.isClosed()) return error;
    return new SessionError(
      'STORE_UNAVAILABLE',
      'the Redis client is closed: connect it before the first session is used, and keep it open until the last use',
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

/** Whether the server answered with this error. Older servers wrap errors of script commands. */
export function isReply(error: unknown, code: 'NOSCRIPT' | 'NOPERM' | 'ERR' | 'WRONGTYPE' | 'READONLY'): boolean {
  if (!(error instanceof Error)) return false;
  return code === 'WRONGTYPE' || code === 'READONLY'
    ? error.message.includes(code)
    : error.message.startsWith(`${code} `);
}
