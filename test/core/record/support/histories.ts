import * as fc from 'fast-check';
import { authenticatedAtOf, recognise } from '../../../../src/core/record/match.js';
import { firstUse, type RotationRequest, rotate } from '../../../../src/core/record/rotation.js';
import type { SessionState } from '../../../../src/core/record/state.js';
import { type Credential, newCredential } from '../../../../src/core/record/token.js';
import { tidied } from '../../../../src/core/record/upkeep.js';
import { type ModelCall, TokenModel } from '../../../../src/testing/library/token-model.js';
import { GRACE, START, stored } from './tokens.js';

/** An event in a session's history. Numbers choose among the existing tokens or calls. */
export type Act =
  | { readonly kind: 'open'; readonly token: number }
  | { readonly kind: 'rotate'; readonly call: number; readonly request: RotationRequest }
  | { readonly kind: 'server rotates'; readonly request: RotationRequest }
  | { readonly kind: 'another write' }
  | { readonly kind: 'time'; readonly ms: number };

const request: fc.Arbitrary<RotationRequest> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  { weight: 3, arbitrary: fc.constant({ reauthenticated: true }) },
  { weight: 1, arbitrary: fc.record({ immediate: fc.constant(true), reauthenticated: fc.boolean() }) },
);

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('open' as const), token: fc.nat(9) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('rotate' as const), call: fc.nat(5), request }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('server rotates' as const), request }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'another write' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('time' as const),
      ms: fc.constantFrom(1, 4_000, GRACE, 59_999, 60_000, 70_000),
    }),
  },
);

export const history = fc.array(act, { maxLength: 40 });

/** The functions under test; a planted bug replaces one. */
export interface Machine {
  readonly recognise: typeof recognise;
  readonly firstUse: typeof firstUse;
  readonly rotate: typeof rotate;
  readonly tidied: typeof tidied;
}

export const MACHINE: Machine = { recognise, firstUse, rotate, tidied };

interface Call {
  readonly credentials: Credential[];
  readonly expected: ModelCall;
}

/** Plays a history on the machine and on the oracle. Throws if they differ. */
export function play(acts: readonly Act[], machine: Machine): void {
  const player = new Player(machine);
  for (const [step, each] of acts.entries()) player.step(each, `step ${step}, ${JSON.stringify(each)}`);
}

class Player {
  readonly #machine: Machine;
  readonly #model = new TokenModel(GRACE, START);
  readonly #tokens: Credential[] = [newCredential()];
  readonly #calls: Call[] = [];
  #now = START;
  #state: SessionState;

  constructor(machine: Machine) {
    this.#machine = machine;
    const first = pick(this.#tokens, 0);
    this.#state = {
      tokens: { current: first.hash, family: first.familyHash() },
      authenticatedAt: START,
      lastActiveAt: START,
      stored: {},
    };
  }

  step(each: Act, where: string): void {
    if (each.kind === 'time') this.#now += each.ms;
    else if (each.kind === 'open') this.#open(each.token % this.#tokens.length, where);
    else if (each.kind === 'another write')
      this.#write({ ...this.#state, tokens: this.#machine.tidied(this.#state.tokens, this.#now) });
    else if (each.kind === 'server rotates') this.#rotate(null, each.request, where);
    else if (this.#calls.length > 0)
      this.#rotate(pick(this.#calls, -1 - (each.call % this.#calls.length)), each.request, where);
  }

  /** The newest tokens and calls are the most likely choice. */
  #open(back: number, where: string): void {
    const index = this.#tokens.length - 1 - back;
    const credential = pick(this.#tokens, index);
    const match = this.#machine.recognise(this.#state.tokens, credential, this.#now);
    const expected = this.#model.matches(index, this.#now);
    if (!expected.includes(match)) throw new Error(`${where}: token ${index} is ${match}, not ${expected}`);
    if (match === 'pending') {
      this.#write(this.#machine.firstUse(this.#state, credential, { now: this.#now, grace: GRACE }));
      this.#model.use(index, this.#now);
    }
    const granted = authenticatedAtOf(this.#state, match === 'pending' ? 'current' : match);
    if (granted === undefined) return;
    equal(granted, this.#model.authenticatedAt(index), `${where}: authenticatedAt of token ${index}`);
    this.#calls.push({ credentials: [credential], expected: { tokens: [index], replaced: match === 'grace' } });
  }

  #rotate(call: Call | null, given: RotationRequest, where: string): void {
    const holder = call && { credentials: call.credentials, replaced: call.expected.replaced };
    const outcome = this.#machine.rotate(this.#state, pick(this.#tokens, 0).id, holder, given, {
      now: this.#now,
      grace: GRACE,
    });
    const expected = this.#model.rotate(call?.expected ?? null, given, this.#now);
    equal(outcome.kind === 'refuse', expected === undefined, `${where}: refused`);
    if (outcome.kind === 'refuse' || expected === undefined) return;
    if (outcome.kind === 'write') this.#write(outcome.state);
    const known = this.#tokens.findIndex(({ hash }) => hash === outcome.credential.hash);
    equal(known === -1 ? this.#tokens.length : known, expected, `${where}: the token`);
    if (known === -1) this.#tokens.push(outcome.credential);
    equal(
      outcome.authenticatedAt,
      this.#model.authenticatedAt(expected),
      `${where}: authenticatedAt of token ${expected}`,
    );
    call?.credentials.push(outcome.credential);
    call?.expected.tokens.push(expected);
  }

  #write(state: SessionState): void {
    this.#state = stored(state);
  }
}

function equal(actual: unknown, expected: unknown, what: string): void {
  if (actual !== expected) throw new Error(`${what}: ${actual}, not ${expected}`);
}

function pick<Item>(items: readonly Item[], index: number): Item {
  const item = items.at(index);
  if (item === undefined) throw new Error(`nothing at ${index}`);
  return item;
}
