import { MINUTE } from '../../../../src/core/record/match.js';
import type { RotationRequest } from '../../../../src/core/record/rotation.js';
import type { RotationKind, SessionState, TokenState } from '../../../../src/core/record/state.js';
import { MACHINE, type Machine } from './histories.js';

function withTokens(state: SessionState, change: (tokens: TokenState) => Partial<TokenState>): SessionState {
  return { ...state, tokens: { ...state.tokens, ...change(state.tokens) } };
}

function kindOf(request: RotationRequest): RotationKind {
  return request.reauthenticated ? 'reauthenticated' : 'plain';
}

/** The machine with a change in its writes. */
function writing(change: (state: SessionState, before: SessionState) => SessionState): Machine {
  return {
    ...MACHINE,
    firstUse: (state, credential, timing) => change(MACHINE.firstUse(state, credential, timing), state),
    rotate: (state, ...rest) => {
      const outcome = MACHINE.rotate(state, ...rest);
      return outcome.kind === 'write' ? { ...outcome, state: change(outcome.state, state) } : outcome;
    },
  };
}

/** Machines that each break a rule. */
export const BUGS: Readonly<Record<string, Machine>> = {
  'each rotation replaces the pending token': {
    ...MACHINE,
    rotate: (state, ...rest) =>
      MACHINE.rotate(
        withTokens(state, () => ({ pending: undefined })),
        ...rest,
      ),
  },
  'a call let in by a replaced token rotates': {
    ...MACHINE,
    rotate: (state, id, holder, ...rest) =>
      MACHINE.rotate(state, id, holder && { ...holder, replaced: false }, ...rest),
  },
  'a plain call gets a reauthenticated successor': {
    ...MACHINE,
    rotate: (state, id, holder, request, timing) => {
      const kind = kindOf(request);
      const change = ({ previous }: TokenState) => ({ previous: previous?.kind ? { ...previous, kind } : previous });
      return MACHINE.rotate(withTokens(state, change), id, holder, request, timing);
    },
  },
  'a plain call gets the reauthenticated token that is pending': {
    ...MACHINE,
    rotate: (state, id, holder, request, timing) => {
      const kind = kindOf(request);
      return MACHINE.rotate(
        withTokens(state, ({ pending }) => ({ pending: pending && { ...pending, kind } })),
        id,
        holder,
        request,
        timing,
      );
    },
  },
  'a replaced token has the freshness of its successor': writing((state) =>
    withTokens(state, ({ previous }) => ({
      previous: previous && { ...previous, authenticatedAt: state.authenticatedAt },
    })),
  ),
  'immediate leaves a grace': writing((state, before) =>
    state.tokens.epoch === before.tokens.epoch
      ? state
      : withTokens(state, () => ({
          previous: { hash: before.tokens.current, until: state.lastActiveAt + 1e9, authenticatedAt: 0 },
        })),
  ),
  'a pending token never gives way': {
    ...MACHINE,
    rotate: (state, id, holder, request, timing) =>
      MACHINE.rotate(
        withTokens(state, ({ pending }) => ({ pending: pending && { ...pending, madeAt: timing.now } })),
        id,
        holder,
        request,
        timing,
      ),
  },
  'a pending token gives way too early': {
    ...MACHINE,
    rotate: (state, id, holder, request, timing) =>
      MACHINE.rotate(
        withTokens(state, ({ pending }) => ({ pending: pending && { ...pending, madeAt: pending.madeAt - MINUTE } })),
        id,
        holder,
        request,
        timing,
      ),
  },
  'a renewal is lost': writing((state, before) => {
    const { pending } = before.tokens;
    return pending?.hash === state.tokens.pending?.hash ? withTokens(state, () => ({ pending })) : state;
  }),
  'the clocks of servers are taken to agree': {
    ...MACHINE,
    recognise: (tokens, credential, now) => MACHINE.recognise(tokens, credential, now + MINUTE),
  },
  'what immediate ended counts as a reuse': writing((state) => withTokens(state, () => ({ replaced: undefined }))),
  'the family is forgotten': writing((state) => withTokens(state, () => ({ family: undefined }))),
  'the family of the session never changes': writing((state, before) =>
    withTokens(state, () => ({ family: before.tokens.family })),
  ),
  'the random value goes too early': { ...MACHINE, tidied: (tokens, now) => MACHINE.tidied(tokens, now + 20_000) },
};
