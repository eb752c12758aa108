import type { SessionsOptions } from '../../create-sessions.js';
import { createSessions } from '../../create-sessions.js';
import { ensure, ensureEqual, ensureGone, present } from '../kit/assert.js';
import type { Kit, TestContext } from '../kit/context.js';
import { HOUR } from '../kit/records.js';

const DAY = 24 * HOUR;
/** With these limits, no touch happens between the writes of a test. */
const LIMITS = { idleTimeout: HOUR, absoluteTimeout: DAY, touchInterval: HOUR / 2 };

/**
 * Deadlines through the library, by its own clock. The store's clock may run with it, stand still,
 * or be elsewhere.
 */
export function deadlineTests(kit: Kit): void {
  const { test, options } = kit;
  test('invariant 7: an unused session ends at its idle limit, to the millisecond', endsWhenIdle);
  test('invariant 7: a session in use ends at its absolute limit, to the millisecond', endsAbsolutely);
  test('invariant 7: every write of a request is activity and moves the idle deadline', movesDeadline);
  test('invariant 7: shortened limits apply to existing sessions', tightens);
  test('invariants 2 and 7: a write after the deadline writes nothing', writesNothingLate);
  test('invariant 7: a session without limits does not end', isUnlimited);
  if (options.capabilities.expires !== 'injected clock') return;
  test("invariant 7: an unused session ends when the store's clock stands still", endsWhenIdle, (clock) =>
    stoppedAt(clock.now()),
  );
  test("invariant 7: a session in use ends when the store's clock stands still", endsAbsolutely, (clock) =>
    stoppedAt(clock.now()),
  );
  test(
    "invariants 2 and 7: a late write writes nothing when the store's clock stands still",
    writesNothingLate,
    (clock) => stoppedAt(clock.now()),
  );
  for (const years of [-50, 50]) {
    const apart = years * 365 * DAY;
    const title = `ends when the store's clock is ${years} years apart`;
    test(`invariant 7: an unused session ${title}`, endsWhenIdle, (clock) => () => clock.now() + apart);
    test(`invariant 7: a session in use ${title}`, endsAbsolutely, (clock) => () => clock.now() + apart);
  }
}

function stoppedAt(time: number): () => number {
  return () => time;
}

function open({ store, clock }: TestContext, options: SessionsOptions<{ user: string }> = {}) {
  return createSessions<{ user: string }>({ store, now: clock.now, ...LIMITS, ...options });
}

async function endsWhenIdle(context: TestContext): Promise<void> {
  const sessions = open(context);
  const { token, id, expiresAt } = await sessions.create({ user: 'ada' });
  ensureEqual(expiresAt, context.clock.now() + HOUR, 'when it ends');
  context.clock.advance(HOUR - 1);
  // A look by the id is not activity.
  ensure((await sessions.find(id)) !== null, 'the session has ended one millisecond before its deadline');
  context.clock.advance(1);
  ensureEqual((await sessions.fromToken(token)).session, null, 'the session at its deadline');
  ensureEqual(await sessions.find(id), null, 'the session, by its id');
}

async function endsAbsolutely(context: TestContext): Promise<void> {
  const sessions = open(context);
  const { token, expiresAt } = await sessions.create({ user: 'ada' });
  const end = expiresAt - HOUR + DAY;
  while (context.clock.now() + HOUR / 2 < end) {
    context.clock.advance(HOUR / 2);
    ensure((await sessions.fromToken(token)).session !== null, 'a session in use has ended before its time');
  }
  context.clock.advance(end - 1 - context.clock.now());
  ensureEqual(
    (await sessions.fromToken(token)).session?.expiresAt,
    end,
    'its deadline one millisecond before the end',
  );
  context.clock.advance(1);
  ensureEqual((await sessions.fromToken(token)).session, null, 'the session at its absolute limit');
}

async function movesDeadline(context: TestContext): Promise<void> {
  const sessions = open(context);
  const { token } = await sessions.create({ user: 'ada' });
  const load = async () => present((await sessions.fromToken(token)).session, 'the session');
  const writes = [
    async () => {
      const session = await load();
      session.data.user = 'grace';
      await session.save();
    },
    async () => (await load()).update((data) => void Object.assign(data, { user: 'edsger' })),
    async () => (await load()).rotate(),
  ];
  for (const write of writes) {
    context.clock.advance(1_000);
    await write();
  }
  const session = await load();
  ensureEqual(
    [session.lastActiveAt, session.expiresAt],
    [context.clock.now(), context.clock.now() + HOUR],
    'the activity and the deadline',
  );
}

async function tightens(context: TestContext): Promise<void> {
  const { token, id } = await open(context).create({ user: 'ada' });
  const idle = open(context, { idleTimeout: HOUR / 4, touchInterval: HOUR / 8 });
  const absolute = open(context, { absoluteTimeout: HOUR / 2 });
  context.clock.advance(HOUR / 4 - 1);
  ensure((await idle.find(id)) !== null, 'the session has ended before the tightened idle limit');
  context.clock.advance(1);
  ensureEqual((await idle.fromToken(token)).session, null, 'the session at the tightened idle limit');
  context.clock.advance(HOUR / 4 - 1);
  ensure((await absolute.find(id)) !== null, 'the session has ended before the tightened absolute limit');
  context.clock.advance(1);
  ensureEqual((await absolute.fromToken(token)).session, null, 'the session at the tightened absolute limit');
  ensure(
    (await open(context).fromToken(token)).session !== null,
    'a process whose limits are the old ones has lost the session',
  );
}

async function writesNothingLate(context: TestContext): Promise<void> {
  const sessions = open(context);
  const { token } = await sessions.create({ user: 'ada' });
  const session = present((await sessions.fromToken(token)).session, 'the session');
  context.clock.advance(HOUR);
  session.data.user = 'eve';
  const writes = [
    () => session.save(),
    () => session.update((data) => void Object.assign(data, { user: 'eve' })),
    () => session.touch(),
    () => session.rotate(),
  ];
  for (const write of writes) await ensureGone(write(), 'a late write');
  ensureEqual((await sessions.fromToken(token)).session, null, 'the session after them');
  const looser = open(context, { idleTimeout: DAY });
  ensureEqual((await looser.fromToken(token)).session, null, 'the session, for a process with looser limits');
}

async function isUnlimited(context: TestContext): Promise<void> {
  const sessions = open(context, { idleTimeout: false, absoluteTimeout: false });
  const { token } = await sessions.create({ user: 'ada' });
  context.clock.advance(50 * 365 * DAY);
  const session = present((await sessions.fromToken(token)).session, 'a session without limits, fifty years later');
  await session.update((data) => void Object.assign(data, { user: 'grace' }));
  ensureEqual((await sessions.fromToken(token)).session?.data, { user: 'grace' }, 'its data');
}
