import { bareTrpc, emptyMiddleware, handRolled, handRolledWithHash } from '../contestants/hand-rolled.ts';
import { ours } from '../contestants/ours.ts';
import { betterAuthSession, ironSession, jose } from '../contestants/peers.ts';
import type { Section } from '../report/section.ts';
import { short, type Table } from '../report/table.ts';
import { commandsPerRequest } from '../run/commands.ts';
import { type Contestant, type MeasureOptions, measure, type Timings } from '../run/measure.ts';
import { median, pairedDifference, pairedRatio, pairedShare } from '../run/stats.ts';
import { commandsOn, total } from '../servers/redis.ts';
import type { BenchStores } from '../stores.ts';

interface Entry {
  readonly contestant: Contestant;
  readonly ours?: true;
  readonly count?: (() => Promise<number>) | undefined;
}

/**
 * One tRPC request, in-process, by ours and by all others. Ours on Redis is measured beside the
 * peers first, and then beside ours on other stores: an application has one store, and code that
 * has met several is slower.
 */
export async function requestsSection(stores: BenchStores, options: MeasureOptions): Promise<Section> {
  const { base, peers, others } = await allEntries(stores);
  const besidePeers = await measured([...base, ...peers], options);
  const besideStores = await measured([...base, ...others], options);
  const { entries, cpuOf, cpuNamed } = besidePeers;
  const [bare = '', plain = '', hashed = '', mine = ''] = base.map(({ contestant }) => contestant.name);
  return {
    title: 'One request: tRPC, called in-process',
    how:
      'A `Request` into `fetchRequestHandler`, the text of its `Response` out; one query that answers who the user is. Ratios are medians of those within each ' +
      'round. “Adds” is what is spent beyond bare tRPC, and “adds ÷ theirs” what ours on Redis adds over what they add.',
    checks: [
      {
        what: 'CPU of a request: ours on Redis ÷ hand-rolled (no hash, no guard)',
        reach: 1.25,
        seen: pairedRatio(cpuOf(mine), cpuOf(plain)),
      },
      {
        what: 'CPU of a request: ours on Redis ÷ hand-rolled with hash, compare and guard',
        reach: 1.05,
        seen: pairedRatio(cpuOf(mine), cpuOf(hashed)),
      },
      {
        what: 'CPU that a session in memory adds to bare tRPC ÷ an async createContext and an empty middleware',
        reach: 2,
        seen: pairedShare(
          besideStores.cpuNamed('token-sessions on memory'),
          besideStores.cpuNamed('an async createContext'),
          besideStores.cpuOf(bare),
        ),
      },
      ...[
        { peer: 'jose', reach: 0.6 },
        { peer: 'iron-session', reach: 0.3 },
      ].flatMap(({ peer, reach }) => {
        const theirs = cpuNamed(peer);
        return [
          {
            what: `CPU that the session adds to bare tRPC: ours on Redis ÷ ${peer}`,
            reach,
            seen: pairedShare(cpuOf(mine), theirs, cpuOf(bare)),
          },
          { what: `CPU of a whole request: ours on Redis ÷ ${peer}`, reach, seen: pairedRatio(cpuOf(mine), theirs) },
        ];
      }),
    ],
    tables: [besidePeers, besideStores].map(toTable),
    bars: entries
      .filter(({ contestant }) => !contestant.name.endsWith('changed'))
      .map(({ contestant: { name }, ...entry }) => ({
        name,
        cpu: median(cpuOf(name)),
        bare: median(cpuOf(bare)),
        ours: entry.ours === true,
      })),
  };
}

/**
 * Bare, hand-rolled, hand-rolled with hash, and ours on Redis come first. The ratios use these.
 */
async function allEntries({ all, redis }: BenchStores) {
  const count = async () => total(await commandsOn(redis));
  const own: Entry[] = [];
  for (const { name, store, count: counter } of all) {
    const { read, change } = await ours(name, store);
    own.push({ contestant: read, ours: true, count: counter }, { contestant: change, ours: true, count: counter });
  }
  const base: Entry[] = [
    { contestant: bareTrpc() },
    { contestant: await handRolled(redis), count },
    { contestant: await handRolledWithHash(redis), count },
    ...own.slice(0, 1),
  ];
  const peers: Entry[] = [
    ...own.slice(1, 2),
    { contestant: await jose() },
    { contestant: await betterAuthSession(redis), count },
    { contestant: await ironSession() },
  ];
  return { base, peers, others: [{ contestant: emptyMiddleware() }, ...own.slice(2)] satisfies Entry[] };
}

interface Measured {
  readonly entries: readonly Entry[];
  readonly timings: ReadonlyMap<string, Timings>;
  readonly commands: ReadonlyMap<string, number>;
  /** The CPU time of a contestant in each round, by its name. */
  cpuOf(name: string): number[];
  /** The same, by the beginning of its name. */
  cpuNamed(beginning: string): number[];
}

async function measured(entries: readonly Entry[], options: MeasureOptions): Promise<Measured> {
  const timings = await measure(
    entries.map(({ contestant }) => contestant),
    options,
  );
  const commands = new Map<string, number>();
  for (const { contestant, count } of entries) {
    if (count) commands.set(contestant.name, await commandsPerRequest(contestant, count));
  }
  const cpuOf = (name: string): number[] => timings.get(name)?.cpu ?? [];
  const cpuNamed = (beginning: string): number[] =>
    cpuOf(entries.find(({ contestant }) => contestant.name.startsWith(beginning))?.contestant.name ?? '');
  return { entries, timings, commands, cpuOf, cpuNamed };
}

function toTable({ entries, timings, commands }: Measured): Table {
  const [bare, plain, hashed, mine] = entries.map(({ contestant }) => timings.get(contestant.name)?.cpu ?? []);
  return {
    columns: [
      '',
      '÷ hand-rolled',
      '÷ with hash',
      'ours ÷ this',
      'adds ÷ theirs',
      'CPU, µs',
      'adds, µs',
      'wall, µs',
      'store commands',
    ],
    rows: entries.map(({ contestant: { name } }) => {
      const { cpu, wall } = timings.get(name) ?? { cpu: [], wall: [] };
      const numbers = [
        pairedRatio(cpu, plain ?? []),
        pairedRatio(cpu, hashed ?? []),
        pairedRatio(mine ?? [], cpu),
        pairedShare(mine ?? [], cpu, bare ?? []),
        median(cpu),
        pairedDifference(cpu, bare ?? []),
        median(wall),
      ];
      return [
        name,
        ...numbers.map((each, column) => (column === 3 && cpu === bare ? '-' : short(each))),
        short(commands.get(name) ?? 0),
      ];
    }),
  };
}
