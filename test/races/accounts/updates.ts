import type { Peer } from './peers.js';
import type { Update } from './types.js';

const EACH = 25;

export interface UpdateFindings {
  rounds: number;
  /** Updates that were answered and are not in the session, or are in it twice. */
  wrong: number;
  failed: string[];
  /** How many updates took so many tries. */
  readonly tries: Map<number, number>;
}

/**
 * Rounds of 100 updates of one session, 25 from each of four processes: all of a process at once,
 * or one after the other.
 */
export async function raceUpdates(peers: readonly Peer[], together: boolean, rounds: number): Promise<UpdateFindings> {
  const findings: UpdateFindings = { rounds: 0, wrong: 0, failed: [], tries: new Map() };
  const [first] = peers;
  for (; findings.rounds < rounds; findings.rounds += 1) {
    const [login] = (await first?.ask({ do: 'log in', rule: 'plain', owner: 'ann', times: 1 })) ?? [];
    if (!login || !('token' in login)) throw new Error('a login failed');
    const { token } = login;
    const updates = (
      await Promise.all(peers.map((peer) => peer.ask({ do: 'update', token, times: EACH, together })))
    ).flat();
    const counted = (await first?.ask({ do: 'count', token })) ?? -1;
    note(findings, updates, counted);
  }
  return findings;
}

function note(findings: UpdateFindings, updates: readonly Update[], counted: number): void {
  const failed = updates.flatMap(({ code }) => code ?? []);
  findings.failed.push(...failed);
  findings.wrong += Math.abs(updates.length - failed.length - counted);
  for (const { tries } of updates) findings.tries.set(tries, (findings.tries.get(tries) ?? 0) + 1);
}

export const mostTries = ({ tries }: UpdateFindings): number => Math.max(...tries.keys());

/** The findings as lines of a Markdown table. */
export function updateTable(title: string, rows: readonly (readonly [string, UpdateFindings])[]): string {
  const head = `${title}: 100 updates of one session from four processes\n
| how | rounds | lost or doubled | failed | most tries of one | tries on average |
| --- | --- | --- | --- | --- | --- |`;
  const lines = rows.map(([name, findings]) => {
    const { rounds, wrong, failed, tries } = findings;
    const all = [...tries].reduce((sum, [each, count]) => sum + each * count, 0);
    return `| ${[name, rounds, wrong, failed.length, mostTries(findings), (all / rounds / 100).toFixed(2)].join(' | ')} |`;
  });
  return [head, ...lines, ''].join('\n');
}
