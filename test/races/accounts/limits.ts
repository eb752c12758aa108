import type { Clock, Peer } from './peers.js';
import { type Login, MOST, type Rule, type Told } from './types.js';

const EACH = 16;
const DAY = 86_400_000;

/** The outcome of rounds of 64 concurrent logins, 16 from each of four processes. */
export interface LimitFindings {
  rounds: number;
  wrong: string[];
  handedOut: number;
  denied: number;
  evicted: number;
  /** In how many rounds all four processes were logging in at the same time. */
  met: number;
}

/**
 * Fills one account after another, empties it in ways that leave traces, and then logs in from all
 * processes at once.
 */
export async function raceLogins(
  peers: readonly Peer[],
  rule: Rule,
  rounds: number,
  clock: Clock,
): Promise<LimitFindings> {
  const findings: LimitFindings = { rounds: 0, wrong: [], handedOut: 0, denied: 0, evicted: 0, met: 0 };
  for (let round = 0; round < rounds; round += 1) {
    const owner = `${rule} ${round}`;
    clock.ahead += 8 * DAY;
    await leaveTraces(peers, rule, owner, clock);
    await everybodyTells(peers);
    const answers = await Promise.all(peers.map((peer) => peer.ask({ do: 'log in', rule, owner, times: EACH })));
    const told = await everybodyTells(peers);
    const problems = await judge(peers, rule, owner, answers.flat(), told, findings);
    findings.wrong.push(...problems.map((problem) => `round ${round}: ${problem}`));
    findings.rounds += 1;
    findings.met += Number(allMet(answers));
  }
  return findings;
}

/**
 * Ended sessions, and those expired by the clock, do not count: another process destroys one, the
 * others expire.
 */
async function leaveTraces(peers: readonly Peer[], rule: Rule, owner: string, clock: Clock): Promise<void> {
  const [one, other] = peers;
  const before = (await one?.ask({ do: 'log in', rule, owner, times: MOST })) ?? [];
  const [first] = before;
  if (before.length !== MOST || !first || !('id' in first)) throw new Error('an empty account must admit a login');
  await other?.ask({ do: 'destroy', ids: [first.id] });
  await Promise.all(peers.map((peer) => peer.ask({ do: 'set clock', ahead: clock.ahead })));
}

async function everybodyTells(peers: readonly Peer[]): Promise<Told[]> {
  return (await Promise.all(peers.map((peer) => peer.ask({ do: 'tell' })))).flat();
}

async function judge(
  peers: readonly Peer[],
  rule: Rule,
  owner: string,
  logins: readonly Login[],
  told: readonly Told[],
  findings: LimitFindings,
): Promise<string[]> {
  const admitted = logins.filter((login) => 'token' in login);
  const codes = logins.flatMap((login) => ('code' in login ? [login.code] : []));
  const evicted = told.filter(({ name }) => name === 'evicted').map(({ id }) => id);
  const others = told.filter(({ name }) => name !== 'evicted');
  const usable = await usableOf(peers, rule, admitted);
  const listed = (await peers[1]?.ask({ do: 'list', owner })) ?? [];
  findings.handedOut += admitted.length;
  findings.denied += codes.filter((code) => code === 'LIMIT_REACHED').length;
  findings.evicted += evicted.length;
  const expected = rule === 'deny' ? MOST : EACH * peers.length;
  return [
    usable.length !== MOST && `${usable.length} can be used`,
    admitted.length !== expected && `${admitted.length} were handed out`,
    codes.some((code) => code !== 'LIMIT_REACHED') && `logins failed: ${codes}`,
    !same(listed, usable) && `the list has others than can be used: ${listed.length}`,
    new Set(evicted).size !== evicted.length && 'an eviction was reported twice',
    !same(
      [...evicted, ...usable],
      admitted.map(({ id }) => id),
    ) && 'the sessions that ended and those reported as evicted differ',
    others.length > 0 && `other events: ${others.map(({ name, reason }) => `${name} ${reason}`)}`,
  ].filter((problem) => problem !== false);
}

async function usableOf(
  peers: readonly Peer[],
  rule: Rule,
  admitted: readonly { token: string; id: string }[],
): Promise<string[]> {
  const uses = (await peers[0]?.ask({ do: 'use', rule, tokens: admitted.map(({ token }) => token) })) ?? [];
  return admitted.filter((_, index) => uses[index]?.ok).map(({ id }) => id);
}

function same(some: readonly string[], others: readonly string[]): boolean {
  return [...some].sort().join() === [...others].sort().join();
}

function allMet(answers: readonly (readonly Login[])[]): boolean {
  const lastBegin = Math.max(...answers.map((of) => Math.min(...of.map(({ from }) => from))));
  const firstEnd = Math.min(...answers.map((of) => Math.max(...of.map(({ to }) => to))));
  return lastBegin < firstEnd;
}

/** The findings as lines of a Markdown table. */
export function limitTable(title: string, rows: readonly (readonly [string, LimitFindings])[]): string {
  const head = `${title}: 64 logins at once from four processes, at a limit of ${MOST}\n
| rule | rounds | wrong | handed out | LIMIT_REACHED | evicted | rounds in which all four met |
| --- | --- | --- | --- | --- | --- | --- |`;
  const lines = rows.map(([rule, { rounds, wrong, handedOut, denied, evicted, met }]) => {
    return `| ${rule} | ${rounds} | ${wrong.length} | ${handedOut} | ${denied} | ${evicted} | ${met} |`;
  });
  return [head, ...lines, ''].join('\n');
}
