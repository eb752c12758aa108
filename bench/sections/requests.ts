import { changeOn, readOn } from '../contestants/catalogue.ts';
import type { Check, Section } from '../report/section.ts';
import { short, type Table } from '../report/table.ts';
import { type MeasureOptions, measure } from '../run/measure.ts';
import { startContestants, stopAll } from '../run/own-process.ts';
import { median, pairedDifference, pairedRatio, pairedShare } from '../run/stats.ts';
import type { Servers } from '../servers/all.ts';
import { STORES } from '../stores.ts';

const READS = STORES.map(readOn);
/** The keys of the contestants, in the order of the table. */
const KEYS = [
  ...['bare', 'empty', 'plain', 'hashed'],
  ...STORES.flatMap((store) => [readOn(store), changeOn(store)]),
  ...['jose', 'better-auth', 'iron-session'],
];

/** The figures of one contestant. */
interface Measured {
  readonly key: string;
  readonly name: string;
  /** µs for one request, in each round. */
  readonly cpu: readonly number[];
  readonly wall: readonly number[];
  /** Store commands for one request. */
  readonly commands: number;
}

type CpuOf = (key: string) => readonly number[];

/** One tRPC request, in-process, by ours and by all others, each in a process of its own. */
export async function requestsSection(servers: Servers, options: MeasureOptions): Promise<Section> {
  const all = await measureAll(servers, options);
  const cpuOf: CpuOf = (key) => all.find((each) => each.key === key)?.cpu ?? [];
  return {
    title: 'One request: tRPC, called in-process',
    how:
      'A `Request` into `fetchRequestHandler`, the text of its `Response` out; one query that answers who the user is. Ratios are medians of those within each ' +
      'round. “Adds” is what is spent beyond bare tRPC, and “adds ÷ theirs” what ours on Redis adds over what they add.',
    checks: toChecks(cpuOf),
    tables: [toTable(all, cpuOf)],
    bars: all
      .filter(({ key }) => key !== 'empty' && !key.startsWith('change'))
      .map(({ key, name, cpu }) => ({
        name,
        cpu: median(cpu),
        bare: median(cpuOf('bare')),
        ours: READS.includes(key),
      })),
  };
}

async function measureAll(servers: Servers, options: MeasureOptions): Promise<Measured[]> {
  const contestants = await startContestants(KEYS, servers);
  try {
    const timings = await measure(contestants, options);
    const all: Measured[] = [];
    for (const [index, { name, commands }] of contestants.entries()) {
      const { cpu, wall } = timings.get(name) ?? { cpu: [], wall: [] };
      all.push({ key: KEYS[index] ?? '', name, cpu, wall, commands: await commands() });
    }
    return all;
  } finally {
    stopAll(contestants);
  }
}

function toChecks(cpuOf: CpuOf): Check[] {
  const [bare, mine] = [cpuOf('bare'), cpuOf(readOn('Redis'))];
  return [
    {
      what: 'CPU of a request: ours on Redis ÷ hand-rolled (no hash, no guard)',
      reach: 1.25,
      seen: pairedRatio(mine, cpuOf('plain')),
    },
    {
      what: 'CPU of a request: ours on Redis ÷ hand-rolled with hash, compare and guard',
      reach: 1.05,
      seen: pairedRatio(mine, cpuOf('hashed')),
    },
    {
      what: 'CPU that a session in memory adds to bare tRPC ÷ an async createContext and an empty middleware',
      reach: 2,
      seen: pairedShare(cpuOf(readOn('memory')), cpuOf('empty'), bare),
    },
    ...[
      { peer: 'jose', reach: 0.6 },
      { peer: 'iron-session', reach: 0.3 },
    ].flatMap(({ peer, reach }) => {
      const theirs = cpuOf(peer);
      return [
        {
          what: `CPU that the session adds to bare tRPC: ours on Redis ÷ ${peer}`,
          reach,
          seen: pairedShare(mine, theirs, bare),
        },
        { what: `CPU of a whole request: ours on Redis ÷ ${peer}`, reach, seen: pairedRatio(mine, theirs) },
      ];
    }),
  ];
}

function toTable(all: readonly Measured[], cpuOf: CpuOf): Table {
  const [bare, mine] = [cpuOf('bare'), cpuOf(readOn('Redis'))];
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
    rows: all.map(({ name, cpu, wall, commands }) => [
      name,
      short(pairedRatio(cpu, cpuOf('plain'))),
      short(pairedRatio(cpu, cpuOf('hashed'))),
      short(pairedRatio(mine, cpu)),
      cpu === bare ? '-' : short(pairedShare(mine, cpu, bare)),
      short(median(cpu)),
      short(pairedDifference(cpu, bare)),
      short(median(wall)),
      short(commands),
    ]),
  };
}
