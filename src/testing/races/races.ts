import type { SessionRecord } from '../../core/store.js';
import { createSessions } from '../../create-sessions.js';
import type { Sessions } from '../../index.js';
import { ensure, ensureEqual, present } from '../kit/assert.js';
import type { Kit, TestContext } from '../kit/context.js';
import { HOUR } from '../kit/records.js';
import { type Choose, explore } from './explore.js';
import { Gate } from './gate.js';
import { ensureOutcomes, ensureRotationsEnd, historyOf, isAlive } from './judge.js';
import { holdsNewToken, type Outcome, operate, type RaceData } from './operations.js';
import { type Race, racesOf, titleOf } from './race-plan.js';

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

function define({ test }: Kit, race: Race): void {
  test(titleOf(race), async (context) => {
    await explore((choose) => runOnce(context, race, choose));
  });
}

/** A session that is to be raced, and what is known of it. */
interface Start {
  readonly observer: Sessions<RaceData>;
  readonly record: SessionRecord;
  /** The token that it was created with, and the one that it was rotated to. */
  readonly tokens: readonly string[];
}

async function runOnce(context: TestContext, race: Race, choose: Choose): Promise<void> {
  const start = await prepare(context, race);
  const gate = new Gate(context.clock.now);
  const outcomes: Outcome[] = [];
  const actors = await actorsOf(context, race, start, gate, outcomes);
  context.clock.advance(IDLE);
  const counts = await gate.race(actors, choose, race.apart);
  if (counts) await judge(context, race, start, gate, outcomes);
  await start.observer.destroy(start.record.id);
}

async function prepare({ store, clock }: TestContext, { rotated }: Race): Promise<Start> {
  const observer = createSessions<RaceData>({ ...OPTIONS, store, now: clock.now });
  const { token, id } = await observer.create({ count: 0 });
  const context = rotated ? await observer.fromToken(token) : undefined;
  const next = await context?.session?.rotate();
  const record = present(await store.find(id), 'the record of a new session');
  return { observer, record, tokens: next === undefined ? [token] : [token, next] };
}

async function actorsOf(context: TestContext, race: Race, start: Start, gate: Gate, outcomes: Outcome[]): Promise<(() => Promise<void>)[]> {
  const { store, other, clock } = context;
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

async function judge(context: TestContext, race: Race, start: Start, gate: Gate, outcomes: readonly Outcome[]): Promise<void> {
  const { clock, capabilities } = context;
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
