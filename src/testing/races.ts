import type { SessionRecord } from '../core/store.js';
import { createSessions } from '../create-sessions.js';
import type { Sessions } from '../index.js';
import { ensure, ensureEqual, present } from './assert.js';
import type { Bench, Kit } from './bench.js';
import { type Choose, explore } from './explore.js';
import { Gate } from './gate.js';
import { ensureOutcomes, ensureRotationsEnd, historyOf, isAlive } from './judge.js';
import {
  combinations,
  holdsNewToken,
  OPERATIONS,
  type OperationName,
  type Outcome,
  operate,
  type RaceData,
  ROTATIONS,
} from './operations.js';
import type { StoreContractOptions } from './options.js';
import { HOUR } from './records.js';

const GRACE = 10_000;
const OPTIONS = {
  idleTimeout: HOUR,
  absoluteTimeout: 24 * HOUR,
  touchInterval: HOUR / 10,
  rotationGrace: GRACE,
  storeTimeout: '60s',
} as const;
/** How long the session has been idle when the race begins: a touch is due. */
const IDLE = HOUR / 2;

interface Race {
  readonly names: readonly OperationName[];
  /** Each in a process of its own, or all in one. */
  readonly apart: boolean;
  /** Whether they load the session within the race, or have done so before. */
  readonly loading: boolean;
  /** Whether the session has a new token that was not used yet. */
  readonly rotated: boolean;
}

/**
 * Operations on one session, in every order in which their store calls can reach the store. Those of stores that are not atomic
 * are raced within a process alone.
 */
export function raceTests(kit: Kit): void {
  const { depth = 'triples', capabilities } = kit.options;
  for (const apart of capabilities.atomic ? [true, false] : [false]) {
    kit.group(apart ? 'races of several processes' : 'races within a process', () => {
      for (const race of racesOf(depth, apart)) define(kit, race);
    });
  }
}

function racesOf(depth: NonNullable<StoreContractOptions['depth']>, apart: boolean): Race[] {
  const sizes = depth === 'pairs' ? [2] : [2, 3];
  const plain = sizes.flatMap((size) => combinations(size, OPERATIONS));
  const rotated = sizes.flatMap((size) => combinations(size, ROTATIONS)).filter(areOfRotations);
  const races = [
    ...plain.map((names) => ({ names, apart, loading: false, rotated: false })),
    ...plain.map((names) => ({ names, apart, loading: true, rotated: false })),
    ...rotated.map((names) => ({ names, apart, loading: false, rotated: true })),
  ];
  return depth === 'deep' ? races : races.filter((race) => !hasTooManyOrders(race));
}

/** The others are raced on a plain session. */
function areOfRotations(names: readonly OperationName[]): boolean {
  return names.includes('rotate immediately') || names.some(holdsNewToken);
}

/** In three processes, where loading reads and writes as well, there are a hundred times as many orders. */
function hasTooManyOrders({ names, apart, loading }: Race): boolean {
  const writesTwice = names.includes('rotate new token') || names.filter(holdsNewToken).length > 1;
  return apart && names.length > 2 && (loading || writesTwice);
}

function define({ test }: Kit, race: Race): void {
  const { names, loading, rotated } = race;
  const what = `${loading ? 'load and ' : ''}${names.join(loading ? ', load and ' : ', ')}`;
  test(`${invariantsOf(names)}: ${what}${rotated ? ' of a rotated session' : ''}, in every order of their store calls`, async (bench) => {
    await explore((choose) => runOnce(bench, race, choose));
  });
}

function invariantsOf(names: readonly OperationName[]): string {
  const numbers = ['2'];
  if (names.some((each) => each === 'save' || each === 'update')) numbers.push('3');
  if (names.includes('destroy')) numbers.push('5');
  if (names.includes('expire')) numbers.push('7');
  const last = numbers.pop();
  return numbers.length === 0 ? `invariant ${last}` : `invariants ${numbers.join(', ')} and ${last}`;
}

/** A session that is to be raced, and what is known of it. */
interface Start {
  readonly observer: Sessions<RaceData>;
  readonly record: SessionRecord;
  /** The token that it was created with, and the one that it was rotated to. */
  readonly tokens: readonly string[];
}

async function runOnce(bench: Bench, race: Race, choose: Choose): Promise<void> {
  const start = await prepare(bench, race);
  const gate = new Gate(bench.clock.now);
  const outcomes: Outcome[] = [];
  const actors = await actorsOf(bench, race, start, gate, outcomes);
  bench.clock.advance(IDLE);
  const counts = await gate.race(actors, choose, race.apart);
  if (counts) await judge(bench, race, start, gate, outcomes);
  await start.observer.destroy(start.record.id);
}

async function prepare({ store, clock }: Bench, { rotated }: Race): Promise<Start> {
  const observer = createSessions<RaceData>({ ...OPTIONS, store, now: clock.now });
  const { token, id } = await observer.create({ count: 0 });
  const context = rotated ? await observer.fromToken(token) : undefined;
  const next = await context?.session?.rotate();
  const record = present(await store.find(id), 'the record of a new session');
  return { observer, record, tokens: next === undefined ? [token] : [token, next] };
}

async function actorsOf(bench: Bench, race: Race, start: Start, gate: Gate, outcomes: Outcome[]): Promise<(() => Promise<void>)[]> {
  const { store, other, clock } = bench;
  const open = (actor?: number) => {
    const connection = gate.guard(actor !== undefined && actor % 2 === 1 ? other : store, actor);
    return createSessions<RaceData>({ ...OPTIONS, store: connection, now: clock.now });
  };
  const shared = open();
  return Promise.all(
    race.names.map(async (name, actor) => {
      if (name === 'expire')
        return () => gate.pass({ actor, verb: 'clock' }, async () => clock.advance(start.record.expiresAt - clock.now()));
      const sessions = race.apart ? open(actor) : shared;
      const load = async () => (await sessions.fromToken(start.tokens[holdsNewToken(name) ? 1 : 0])).session;
      const loaded = race.loading || holdsNewToken(name) ? undefined : await load();
      return async () => void outcomes.push(await operate(name, actor, loaded === undefined ? await load() : loaded));
    }),
  );
}

async function judge(bench: Bench, race: Race, start: Start, gate: Gate, outcomes: readonly Outcome[]): Promise<void> {
  const { clock, capabilities } = bench;
  const history = historyOf(start.record, gate.steps, capabilities.expires === 'injected clock');
  ensureOutcomes(history, outcomes);
  if (race.apart) ensureRotationsEnd(gate.steps, outcomes);
  const alive = isAlive(history, clock.now());
  ensureEqual((await start.observer.find(start.record.id)) !== null, alive, 'whether the session is there');
  const tokens = [...start.tokens, ...outcomes.flatMap(({ token }) => token ?? [])];
  const opening = await openingOf(start.observer, tokens);
  if (!alive) return ensureEqual(opening.length, 0, 'invariant 5: how many tokens open a session that has ended');
  ensure(opening.length > 0, 'the session is there, and nobody has a token that opens it');
  // Nobody was given the new token as the current one: the old one's holder may have got no answer at all.
  if (!race.rotated)
    ensure(
      start.tokens.every((token) => opening.includes(token)),
      'a rotation whose new token was never used has ended the old token',
    );
  clock.advance(GRACE);
  const living = await openingOf(start.observer, tokens);
  ensureEqual(living.length, 1, 'how many tokens live on after the grace');
  ensure(
    living.every((token) => opening.includes(token)),
    'a token opens the session that did not before',
  );
}

/** The tokens that open the session. To look is to use: a pending one becomes the current one. */
async function openingOf(sessions: Sessions<RaceData>, tokens: readonly string[]): Promise<string[]> {
  const opening: string[] = [];
  for (const token of tokens) if ((await sessions.fromToken(token)).session) opening.push(token);
  return opening;
}
