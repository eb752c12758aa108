import { MINUTE } from '../../../../src/core/record/match.js';
import type { RotationRequest } from '../../../../src/core/record/rotation.js';
import type { RotationKind, SessionState } from '../../../../src/core/record/state.js';
import { type Credential, newCredential } from '../../../../src/core/record/token.js';
import type { Machine } from './histories.js';
import { START, stored } from './tokens.js';

/** The model's time units and names: `model/rotation.pml`. */
const TICK = MINUTE / 4;
const MODEL_GRACE = 2 * TICK;
const MATCHES = ['', 'current', 'pending', 'grace', 'replaced-recently', 'reused'];
const KINDS: readonly (RotationKind | 'none')[] = ['none', 'plain', 'reauthenticated'];
const REQUESTS: readonly RotationRequest[] = [{}, {}, { reauthenticated: true }, { immediate: true }];

/**
 * Plays a trace of the model on the machine. Throws if an outcome, or the record after it,
 * differs.
 */
export function replay(events: readonly string[], machine: Machine): void {
  const player = new Replay(machine);
  for (const event of events) {
    const [what = '', after = ''] = event.split(' > ');
    const [kind, ...numbers] = what.split(' ');
    const [clock = 0, ...rest] = numbers.map(Number);
    player.now = START + clock * TICK;
    const [token = 0, second = 0, third = 0, result = 0] = rest;
    if (kind === 'open') player.open(token, MATCHES[second] ?? '', event);
    else if (kind === 'rotate') player.rotate(token, second === 1, REQUESTS[third] ?? {}, result, event);
    else player.write();
    player.compare(after, event);
  }
}

class Replay {
  now = START;
  readonly #machine: Machine;
  /** By the model's number, from 1. */
  readonly #tokens = [newCredential()];
  #state: SessionState;

  constructor(machine: Machine) {
    this.#machine = machine;
    const first = this.#token(1);
    const tokens = { current: first.hash, family: first.familyHash() };
    this.#state = { tokens, authenticatedAt: START, lastActiveAt: START, stored: {} };
  }

  open(number: number, expected: string, event: string): void {
    const credential = this.#token(number);
    const match = this.#machine.recognise(this.#state.tokens, credential, this.now);
    same(match, expected, event);
    if (match === 'pending')
      this.#set(this.#machine.firstUse(this.#state, credential, { now: this.now, grace: MODEL_GRACE }));
  }

  rotate(number: number, replaced: boolean, request: RotationRequest, expected: number, event: string): void {
    const holder = { credentials: [this.#token(number)], replaced };
    const timing = { now: this.now, grace: MODEL_GRACE };
    const outcome = this.#machine.rotate(this.#state, this.#token(1).id, holder, request, timing);
    if (outcome.kind === 'write') this.#set(outcome.state);
    const answered = outcome.kind === 'refuse' ? 0 : this.#numberOf(outcome.credential);
    same(answered, expected, event);
  }

  write(): void {
    this.#set({ ...this.#state, tokens: this.#machine.tidied(this.#state.tokens, this.now) });
  }

  /**
   * Checks the tokens of the record and their kinds, and whether it still has the random value of
   * a replaced one.
   */
  compare(expected: string, event: string): void {
    const { current, pending, previous } = this.#state.tokens;
    const number = (hash: string | undefined) => this.#tokens.findIndex((each) => each.hash === hash) + 1;
    const kind = (of: RotationKind | undefined) => KINDS.indexOf(of ?? 'none');
    const tokens = [
      number(current),
      number(pending?.hash),
      kind(pending?.kind),
      number(previous?.hash),
      kind(previous?.kind),
    ];
    same([...tokens, previous?.salt === undefined ? 0 : 1].join(' '), expected, `${event}: the record`);
  }

  #numberOf(credential: Credential): number {
    const known = this.#tokens.findIndex(({ hash }) => hash === credential.hash);
    return known === -1 ? this.#tokens.push(credential) : known + 1;
  }

  #token(number: number): Credential {
    const credential = this.#tokens[number - 1];
    if (!credential) throw new Error(`no token ${number}`);
    return credential;
  }

  #set(state: SessionState): void {
    this.#state = stored(state);
  }
}

function same(actual: string | number, expected: string | number, event: string): void {
  if (actual !== expected) throw new Error(`${event}: ${actual}, not ${expected}`);
}
