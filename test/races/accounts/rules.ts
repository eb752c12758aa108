import type { SessionStore } from '../../../src/index.js';
import { createSessions, type Sessions, type SessionsOptions } from '../../../src/index.js';
import { type Data, GRACE, MOST, type Rule, type Told } from './types.js';

/** The options that the rules add. */
const RULES: Readonly<Record<Rule, SessionsOptions<Data>>> = {
  plain: {},
  'evict-oldest': { maxPerOwner: { max: MOST, onLimit: 'evict-oldest' } },
  deny: { maxPerOwner: { max: MOST, onLimit: 'deny' } },
  'destroy on reuse': { onReuse: 'destroy' },
};

/**
 * The sessions of one process, by each rule. Every use is written as activity, so that uses and
 * rotations meet in the store. Calls may take long, because the machine may have other work.
 */
export function sessionsByRule(store: SessionStore, now: () => number): (rule: Rule) => Sessions<Data> {
  const common = {
    store,
    now,
    ownerOf: (data: Data) => data.owner,
    touchInterval: 0,
    rotationGrace: GRACE,
    storeTimeout: '20s',
  } as const;
  const made = new Map<Rule, Sessions<Data>>();
  return (rule) => {
    const sessions = made.get(rule) ?? createSessions<Data>({ ...common, ...RULES[rule] });
    made.set(rule, sessions);
    return sessions;
  };
}

/** Notes the events of these sessions. */
export function listen(sessions: Sessions<Data>, told: Told[]): void {
  for (const name of ['evicted', 'destroyed', 'reuse-detected', 'conflict', 'store-error'] as const) {
    sessions.on(name, (event) =>
      told.push({ name, id: event.id, reason: 'reason' in event ? event.reason : undefined }),
    );
  }
}
