import { EventEmitter, on } from 'node:events';
import type { PlaygroundSession, PlaygroundSessions } from './sessions.js';

/**
 * A message to a subscription. It says that the subscription has begun, that it is alive (each
 * second), that there is a new count, or that the account's devices have changed.
 */
export interface News {
  readonly type: 'begun' | 'alive' | 'count' | 'devices';
  /** For `'count'`. */
  readonly count: number | null;
}

interface Addressed extends News {
  /** The session or the account that it is for; absent: all. */
  readonly to?: string | undefined;
}

/** The live updates of the playground. */
export class NewsDesk {
  readonly #emitter = new EventEmitter().setMaxListeners(0);
  readonly #clock = setInterval(() => this.#tell({ type: 'alive', count: null }), 1_000);

  constructor(sessions: PlaygroundSessions) {
    for (const event of ['created', 'destroyed'] as const) {
      sessions.on(event, ({ ownerId }) => this.#tell({ type: 'devices', count: null, to: ownerId }));
    }
  }

  counted(sessionId: string, count: number): void {
    this.#tell({ type: 'count', count, to: sessionId });
  }

  /**
   * The news for a session, until it or the subscription ends. Needs no store, so that an outage
   * does not stop it.
   */
  async *follow(session: PlaygroundSession, signal?: AbortSignal): AsyncGenerator<News> {
    const ended = AbortSignal.any(signal ? [signal, session.signal] : [session.signal]);
    const all: AsyncIterable<Addressed[]> = on(this.#emitter, 'news', { signal: ended });
    yield { type: 'begun', count: null };
    for await (const news of all) {
      for (const { type, count, to } of news) {
        if (to === undefined || to === session.id || to === session.data.userId) yield { type, count };
      }
    }
  }

  close(): void {
    clearInterval(this.#clock);
  }

  #tell(news: Addressed): void {
    this.#emitter.emit('news', news);
  }
}
