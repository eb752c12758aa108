import { expect, test } from 'vitest';
import { seeded } from '../races/chance.js';
import { RotatingServer } from './support/rotating-server.js';
import { refused } from './support/scripted.js';
import { idOf } from './support/tokens.js';
import { type Tab, Timeline, World, type WorldOptions } from './support/world.js';

/*
 * Eight tabs and one user, on a browser and a network that delay and lose what they can. Whatever
 * happens, all tabs end with the user's last session, or with none after a logout.
 */

const TABS = 8;
const URL_OF_API = 'https://app.example/api';
/** Chooses the histories to run. */
const FIRST = Number(process.env['CLIENT_SEED'] ?? 1);
const HISTORIES = Number(process.env['CLIENT_HISTORIES'] ?? 12);

interface History {
  readonly seed: number;
  /** The user's steps. */
  readonly steps: number;
  readonly world?: Partial<Pick<WorldOptions, 'hasChannel' | 'isStorageBlocked'>>;
  readonly storage?: 'local' | 'session';
}

class Run {
  readonly timeline = new Timeline();
  readonly server = new RotatingServer({ now: () => this.timeline.now, grace: 2_000, rotateEvery: 40 });
  readonly random: () => number;
  readonly tabs: Tab[] = [];
  readonly problems: string[] = [];
  rotations = 0;
  isOver = false;
  readonly #world: World;
  readonly #hasHeader: boolean;

  constructor({ seed, world = {} }: History) {
    this.#hasHeader = seed % 2 === 0;
    this.random = seeded(seed);
    const fetch: typeof globalThis.fetch = (input, init) => this.#network(new Request(input, init));
    // Every third browser is slow.
    const [share, longest] = seed % 3 === 0 ? [0.25, 60] : [0.05, 40];
    const delay = () => this.random() * (this.random() < share ? longest : 4);
    this.#world = new World({ timeline: this.timeline, delay, fetch, ...world });
  }

  async open(storage: 'local' | 'session' = 'local'): Promise<void> {
    for (let count = 0; count < TABS; count++) this.tabs.push(await this.#world.open({ storage }));
  }

  pick(): Tab {
    const tab = this.tabs[Math.floor(this.random() * this.tabs.length)];
    if (!tab) throw new Error('no tab');
    return tab;
  }

  /** One tab's requests, until the history is over. */
  async work({ session }: Tab): Promise<void> {
    while (!this.isOver) {
      await this.timeline.sleep(5 + this.random() * 60);
      const path = this.random() < 0.3 ? '/rotate' : '/me';
      const response = await session.fetch(URL_OF_API + path).catch(() => undefined);
      if (!response?.ok || path === '/me') continue;
      const token = bodyOf(response);
      // Without the header, the application itself must ensure that the answer is not too late.
      if (response.headers.has('session-token') || idOf(token) === session.getSnapshot()) await session.set(token);
    }
  }

  /** Requests and answers are lost here now and then. */
  async #network(request: Request): Promise<Response> {
    const hop = () => this.timeline.sleep(1 + this.random() * (this.random() < 0.1 ? 300 : 20));
    await hop();
    if (this.random() < 0.02) throw new TypeError('lost on the way');
    const answer = this.#answer(
      request.url.slice(URL_OF_API.length),
      request.headers.get('authorization')?.slice('Bearer '.length) ?? null,
    );
    await hop();
    if (this.random() < 0.05) throw new TypeError('answer lost');
    return answer;
  }

  #answer(path: string, token: string | null): Response {
    if (path === '/login') return this.#withToken(this.server.login(token));
    const visit = this.server.visit(token);
    if (path === '/logout' && (visit || !token)) {
      this.server.logout(token);
      return new Response('');
    }
    if (!visit)
      return token ? refused() : new Response('', { status: 401, headers: { 'www-authenticate': 'Bearer' } });
    if (path === '/rotate') {
      const rotated = this.server.rotate(token);
      this.rotations++;
      return rotated
        ? this.#withToken(rotated)
        : Response.json({ code: 'TOKEN_REPLACED', status: 409 }, { status: 409 });
    }
    if (visit.rotated) this.rotations++;
    return new Response('ok', { headers: visit.rotated ? { 'session-token': visit.rotated } : {} });
  }

  /** The token is in the body, and with some servers in the header as well. */
  #withToken(token: string): Response {
    return new Response('', { headers: { 'x-body': token, ...(this.#hasHeader && { 'session-token': token }) } });
  }
}

/** A body that can be read at once. Real bodies are read at their own pace. */
function bodyOf(response: Response): string {
  return response.headers.get('x-body') ?? '';
}

/**
 * Repeats one login or logout in a tab until it succeeds. Resolves to the token of the new
 * session.
 */
async function act({ session }: Tab, isLogin: boolean): Promise<string | null> {
  for (;;) {
    const response = await session.fetch(URL_OF_API + (isLogin ? '/login' : '/logout')).catch(() => undefined);
    if (!response?.ok) continue;
    const token = bodyOf(response);
    if (isLogin) await session.set(token);
    else await session.clear();
    return isLogin ? token : null;
  }
}

/** Plays a history, and checks all tabs a second after each of the user's steps. */
async function play(history: History): Promise<Run> {
  const run = new Run(history);
  await run.open(history.storage);
  for (const tab of run.tabs) void run.work(tab);
  for (let step = 0; step < history.steps; step++) {
    const isLogin = step === 0 || run.random() < 0.7;
    let id: string | null | undefined;
    void act(run.pick(), isLogin).then(async (token) => {
      // Tabs do not share memory: the application begins the session in each tab.
      if (history.world?.isStorageBlocked && token) for (const { session } of run.tabs) await session.set(token);
      id = token && idOf(token);
    });
    while (id === undefined) await run.timeline.runUntil(run.timeline.now + 20);
    const second = run.timeline.now + 1_000 + run.random() * 4_000;
    await run.timeline.runUntil(second);
    const snapshots = run.tabs.map(({ session }) => session.getSnapshot());
    if (snapshots.some((each) => each !== id)) run.problems.push(`step ${step}: ${id} in ${snapshots}`);
  }
  run.isOver = true;
  await run.timeline.runUntil(run.timeline.now + 2_000);
  const tokens = await Promise.all(run.tabs.map(({ session }) => session.token()));
  if (new Set(tokens).size !== 1) run.problems.push(`at the end: ${tokens}`);
  if (tokens[0] && !run.server.accepts(tokens[0])) run.problems.push(`the server does not know ${tokens[0]}`);
  return run;
}

/** Plays many histories. Resolves to the faults. */
async function playAll(history: Omit<History, 'seed'>, count: number): Promise<string[]> {
  const problems: string[] = [];
  for (let seed = FIRST; seed < FIRST + count; seed++) {
    const run = await play({ ...history, seed });
    problems.push(...run.problems.map((each) => `seed ${seed}: ${each}`));
  }
  return problems;
}

test('all tabs agree on logins, logouts and rotations', { timeout: 600_000 }, async () => {
  expect(await playAll({ steps: 6 }, HISTORIES)).toEqual([]);
});

test('tabs of one session agree if the storage is blocked', { timeout: 600_000 }, async () => {
  expect(await playAll({ steps: 4, world: { isStorageBlocked: true } }, HISTORIES / 4)).toEqual([]);
});
