import type { SessionRecord } from '../../core/store.js';
import { createSessions } from '../../create-sessions.js';
import type { Sessions } from '../../index.js';
import { ensure, ensureEqual, present } from '../kit/assert.js';
import type { Kit, TestContext } from '../kit/context.js';
import { HOUR } from '../kit/records.js';
import { TokenModel } from '../library/token-model.js';
import { type Choose, explore } from './explore.js';
import { Gate } from './gate.js';
import { ensureOutcomes, ensureRotationsEnd, historyOf, isAlive } from './judge.js';
import { holdsNewToken, type OperationName, type Outcome, operate, type RaceData, ROTATED_BY } from './operations.js';
import { isExplained, type Known, type Line, type TokenAct } from './orders.js';
import { type Race, racesOf, titleOf } from './race-plan.js';

const GRACE = 10_000;
const OPTIONS = {
  idleTimeout: HOUR,
  absoluteTimeout: 24 * HOUR,
  touchInterval: HOUR / 10,
  rotationGrace: GRACE,
  storeTimeout: '60s',
} as const;
/** How long the session is idle when the race begins. A touch is due by then. */
const IDLE = HOUR / 2;

/**
 * Races operations on one session, in every order in which their store calls can reach the store.
 * Stores that are not atomic only have races within a process.
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

/** A session before its race, and the known facts about it. */
interface Start {
  readonly observer: Sessions<RaceData>;
  readonly record: SessionRecord;
  /** The token of its creation, and the token of its rotation. */
  readonly tokens: readonly string[];
  readonly model: TokenModel;
}

async function runOnce(context: TestContext, race: Race, choose: Choose): Promise<void> {
  const start = await prepare(context, race);
  const gate = new Gate(context.clock.now);
  const outcomes: Outcome[] = [];
  const actors = await actorsOf(context, race, start, gate, outcomes);
  context.clock.advance(IDLE);
  const known = { model: start.model, texts: start.tokens, now: context.clock.now() };
  const counts = await gate.race(actors, choose, race.apart);
  if (counts) await judge(context, race, start, known, gate, outcomes);
  await start.observer.destroy(start.record.id);
}

async function prepare({ store, clock }: TestContext, { rotated }: Race): Promise<Start> {
  const observer = createSessions<RaceData>({ ...OPTIONS, store, now: clock.now });
  const { token, id } = await observer.create({ count: 0 });
  const model = new TokenModel(GRACE, clock.now());
  const context = rotated ? await observer.fromToken(token) : undefined;
  const next = await context?.session?.rotate();
  if (rotated) model.rotate(FIRST_CALL, {}, clock.now());
  const record = present(await store.find(id), 'the record of a new session');
  return { observer, record, tokens: next === undefined ? [token] : [token, next], model };
}

/** A call that was admitted by the session's first token. */
const FIRST_CALL = { tokens: [0], replaced: false };

async function actorsOf(
  context: TestContext,
  race: Race,
  start: Start,
  gate: Gate,
  outcomes: Outcome[],
): Promise<(() => Promise<void>)[]> {
  const { store, other, clock } = context;
  const open = (actor?: number) => {
    const connection = gate.guard(actor !== undefined && actor % 2 === 1 ? other : store, actor);
    return createSessions<RaceData>({ ...OPTIONS, store: connection, now: clock.now });
  };
  const shared = open();
  // A store may keep a record for a moment after its deadline.
  const end = start.record.expiresAt + 1;
  return Promise.all(
    race.names.map(async (name, actor) => {
      if (name === 'expire')
        return () => gate.pass({ actor, verb: 'clock' }, async () => clock.advance(end - clock.now()));
      const sessions = race.apart ? open(actor) : shared;
      const load = async () => (await sessions.fromToken(start.tokens[holdsNewToken(name) ? 1 : 0])).session;
      const loaded = loadsInRace(race, name) ? undefined : await load();
      return async () => void outcomes.push(await operate(name, actor, loaded === undefined ? await load() : loaded));
    }),
  );
}

function loadsInRace({ loading }: Race, name: OperationName): boolean {
  return loading || holdsNewToken(name);
}

async function judge(
  context: TestContext,
  race: Race,
  start: Start,
  known: Known,
  gate: Gate,
  outcomes: readonly Outcome[],
): Promise<void> {
  const { clock, capabilities } = context;
  const history = historyOf(start.record, gate.steps, capabilities.expires === 'injected clock');
  ensureOutcomes(history, outcomes);
  if (race.apart) ensureRotationsEnd(gate.steps, outcomes);
  const alive = isAlive(history, clock.now());
  ensureEqual((await start.observer.find(start.record.id)) !== null, alive, 'whether the session is there');
  const tokens = [...new Set([...start.tokens, ...outcomes.flatMap(({ token }) => token ?? [])])];
  const opening = await openingOf(start.observer, tokens);
  const lines = linesOf(race, start, outcomes, clock.now(), history.destroyed || history.expired);
  if (!alive) {
    ensureEqual(
      opening.filter(({ opened }) => opened).length,
      0,
      'invariant 5: how many tokens open a session that has ended',
    );
    return ensure(isExplained(known, lines, []), UNEXPLAINED);
  }
  ensure(
    opening.some(({ opened }) => opened),
    'rule 21: the session is there, and no token opens it',
  );
  clock.advance(GRACE);
  const living = await openingOf(start.observer, tokens);
  ensureEqual(living.filter(({ opened }) => opened).length, 1, 'how many tokens live on after the grace');
  ensure(isExplained(known, lines, [...opening, { kind: 'time', now: clock.now() }, ...living]), UNEXPLAINED);
}

const UNEXPLAINED = 'rules 21 and 22: no order of the operations explains the results for their tokens';

/**
 * The acts of the actors with tokens. `ended`: whether the session has ended, which also refuses
 * what tokens would otherwise allow.
 */
function linesOf(race: Race, { tokens }: Start, outcomes: readonly Outcome[], now: number, ended: boolean): Line[] {
  const time: Line[] = race.names.includes('expire') ? [{ call: null, acts: [{ kind: 'time', now }] }] : [];
  const lines = outcomes.map(({ name, result, token: made }): Line => {
    const token = present(tokens[holdsNewToken(name) ? 1 : 0], 'a token');
    const opened = result !== 'anonymous';
    const load: TokenAct[] = loadsInRace(race, name) && (opened || !ended) ? [{ kind: 'load', token, opened }] : [];
    const how = result === 'done' || result === 'replaced' ? ROTATED_BY[name] : undefined;
    return { call: FIRST_CALL, acts: how ? [...load, { kind: 'rotate', how, made }] : load };
  });
  return [...time, ...lines];
}

/** Which tokens give access. A look is a use: a pending token becomes the current one. */
async function openingOf(
  sessions: Sessions<RaceData>,
  tokens: readonly string[],
): Promise<(TokenAct & { readonly opened: boolean })[]> {
  const opening: (TokenAct & { readonly opened: boolean })[] = [];
  for (const token of tokens)
    opening.push({ kind: 'load', token, opened: (await sessions.fromToken(token)).session !== null });
  return opening;
}
