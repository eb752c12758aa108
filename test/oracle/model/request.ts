import { LIMIT, type Request } from '../program.js';
import { Fail } from './complaint.js';
import { Hold, type Runtime } from './runtime.js';
import type { Stored } from './store.js';

/**
 * The sources' writes to the head of a response: a token of this session, or that it has ended.
 */
export type Cookie = { readonly session: Stored } | 'ended' | undefined;

/** Everything that the requests of a round share. */
export interface World {
  readonly runtime: Runtime;
  /** Whether a cookie is configured, and a limit for each account. */
  readonly hasCookie: boolean;
  /** All sessions, in the order in which they were created. */
  readonly sessions: Stored[];
  readonly userName: (user: number) => string;
}

/** One HTTP request, or one socket. */
export class ModelRequest {
  readonly world: World;
  readonly isSocket: boolean;
  /** Whether a token that is made is written to the response. */
  readonly writes: boolean;
  readonly hold = new Hold();
  cookie: Cookie;
  /** Whether the response carries a token, in its head or body. */
  carriesToken = false;
  /** Whether the head of the response has left. */
  isSealed: boolean;
  /** The session of the credential, or the one that the connection has. */
  #session: Stored | null;
  #loaded: { readonly session: Stored | null } | undefined;
  /** The oldest version that this request can know of a session. */
  readonly #known = new Map<Stored, number>();
  readonly #ended = new Set<Stored>();
  /** How many logins are under way that are to replace a session. */
  readonly #replacements = new Map<Stored, number>();
  #issued: Stored | undefined;
  /** The session that the client goes on with, even if no source writes its token. */
  #goesOn: Stored | undefined;

  constructor(world: World, request: Request, isSocket: boolean, session: Stored | null) {
    this.world = world;
    this.isSocket = isSocket;
    this.isSealed = isSocket || (request.kind === 'trpc' && request.link === 'stream' && !request.front);
    this.writes = world.hasCookie && (request.credential === null || request.credential.by === 'cookie');
    this.#session = session;
  }

  /** The session that a call begins with: of HTTP it is looked up once, of a socket each time. */
  load(): Stored | null {
    if (!this.isSocket) {
      this.#loaded ??= { session: this.#lookUp() };
      return this.#loaded.session;
    }
    this.#session = this.#lookUp();
    return this.#session;
  }

  known(session: Stored): number {
    return this.#known.get(session) ?? 0;
  }

  /** The request has read or written the newest version. */
  knows(session: Stored): void {
    this.#known.set(session, session.version);
  }

  hasEnded(session: Stored): boolean {
    return this.#ended.has(session);
  }

  replacing(session: Stored, by: 1 | -1): void {
    this.#replacements.set(session, (this.#replacements.get(session) ?? 0) + by);
  }

  isBeingReplaced(session: Stored): boolean {
    return (this.#replacements.get(session) ?? 0) > 0;
  }

  /** Ends a session of this request. Whether it was there. */
  end(session: Stored, reason: string): boolean {
    this.#ended.add(session);
    return this.endOther(session, reason);
  }

  /** Ends a session of the account. A call of this request that has it need not notice. */
  endOther(session: Stored, reason: string): boolean {
    if (!session.isAlive) return false;
    session.isAlive = false;
    this.world.runtime.emit('destroyed', session.id, reason);
    return true;
  }

  /** A call has logged out. */
  loggedOut(session: Stored): void {
    if (this.#session === session && this.isSocket) this.#session = null;
    if (this.isSealed || !this.world.hasCookie) return;
    if (this.#goesOn && this.#goesOn !== session) return;
    this.#goesOn = undefined;
    this.cookie = 'ended';
  }

  /** The session whose token the answer carries now. A later login replaces it. */
  get issued(): Stored | undefined {
    return this.#issued;
  }

  /** A login takes effect: its token goes out, and takes the place of an earlier one. */
  issue(session: Stored): void {
    if (this.isSocket) this.#session = session;
    if (this.isSealed) return;
    this.#write(session);
    if (!this.writes) return;
    const earlier = this.#issued;
    this.#issued = session;
    if (earlier && earlier !== session && earlier.isAlive) this.end(earlier, 'replaced');
  }

  rotated(session: Stored): void {
    if (this.isSealed || (this.#issued && this.#issued !== session)) return;
    this.#write(session);
  }

  /** The answer has a new token. It deletes no cookie, even if the token is in its body alone. */
  #write(session: Stored): void {
    this.carriesToken = true;
    this.#goesOn = session;
    this.cookie = this.writes ? { session } : undefined;
  }

  #lookUp(): Stored | null {
    const session = this.#session;
    if (!session?.isAlive) return null;
    this.knows(session);
    return session;
  }
}

/**
 * Makes room for a session that takes effect. Those that still wait to do so do not count, nor the
 * one that this one replaces.
 */
export function evict({ sessions, runtime }: World, kept: Stored, replaced: Stored | undefined): void {
  const others = sessions.filter(
    (each) => each.isAlive && each.isEffective && each.user === kept.user && each !== replaced,
  );
  for (const each of others.slice(0, Math.max(0, others.length + 1 - LIMIT))) {
    each.isAlive = false;
    runtime.emit('evicted', each.id);
  }
}

/** @throws Fail where a source cannot write the token any more */
export function assertWritable({ writes, isSealed }: ModelRequest): void {
  if (writes && isSealed) throw new Fail('HEADERS_SENT');
}
