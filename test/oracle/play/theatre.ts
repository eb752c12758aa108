import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import { WebSocketServer } from 'ws';
import { serveGraphqlSockets } from '../../../examples/playground/server/graphql-sockets.js';
import type { SessionEventName, Sessions } from '../../../src/index.js';
import { testClock } from '../../support/clock.js';
import { LIMIT, type Program } from '../program.js';
import { makeApp } from './express-app.js';
import type { Data, Library } from './library.js';
import type { Round } from './round.js';
import { wholeStore } from './whole-store.js';

/** How old the session of the first user is: too old for a step-up. */
const AN_HOUR = 3_600_000;

const EVENTS: readonly SessionEventName[] = [
  'created',
  'destroyed',
  'evicted',
  'gone',
  'rotated',
  'reuse-detected',
  'invalid-data',
  'store-error',
];

/** A server with everything on it, which plays one round after the other. */
export class Theatre {
  readonly sessions: Sessions<Data>;
  readonly library: Library;
  readonly #clock = testClock();
  readonly #server: Server;
  readonly #stops: (() => unknown)[] = [];
  #round: Round | undefined;

  constructor(library: Library, world: Program['world']) {
    const { createSessions, memoryStore, bearer, cookie } = library.core;
    const { now } = this.#clock;
    this.library = library;
    const store = wholeStore(memoryStore({ now }));
    this.sessions = createSessions<Data>({
      store,
      now,
      ownerOf: (data) => data.userId,
      ...(world === 'cookie' && {
        sources: [cookie('sid', { secure: false }), bearer()],
        maxPerOwner: { max: LIMIT, onLimit: 'evict-oldest' as const },
      }),
    });
    const { app, trpc, yoga } = makeApp(library, this.sessions, () => this.round);
    this.#server = createServer(app);
    this.#noteEvents();
    this.#serveSockets(trpc, yoga);
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) stop();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.sessions.close();
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get round(): Round {
    if (this.#round) return this.#round;
    throw new Error('there is no round');
  }

  set round(round: Round) {
    this.#round = round;
  }

  /**
   * The sessions that there are at the beginning of a round: only that of the first user is old.
   */
  async logIn(users: readonly number[]) {
    const { userName } = this.round;
    const made = [];
    for (const [index, user] of users.entries()) {
      if (index === 1) this.#clock.advance(AN_HOUR);
      const { id, token } = await this.sessions.create({ userId: userName(user), n: 0 });
      made.push({ id, token, user });
    }
    return made;
  }

  #noteEvents(): void {
    for (const name of EVENTS) {
      this.sessions.on(name, ({ id, ...rest }) => {
        const reason = 'reason' in rest ? { reason: rest.reason } : {};
        this.#round?.stage.log('event', name, { id, ...reason });
      });
    }
  }

  #serveSockets(
    { router, createContext }: ReturnType<typeof makeApp>['trpc'],
    yoga: ReturnType<typeof makeApp>['yoga'],
  ): void {
    const forTrpc = new WebSocketServer({ noServer: true });
    const forGraphQL = new WebSocketServer({ noServer: true });
    applyWSSHandler({ wss: forTrpc, router, createContext });
    serveGraphqlSockets(forGraphQL, yoga.getEnveloped);
    this.#server.on('upgrade', (request, socket, head) => {
      const server = request.url?.startsWith('/trpc') ? forTrpc : forGraphQL;
      server.handleUpgrade(request, socket, head, (webSocket) => server.emit('connection', webSocket, request));
    });
    this.#stops.push(() => {
      for (const server of [forTrpc, forGraphQL]) for (const client of server.clients) client.terminate();
    });
  }
}
