import { changeOn, readOn } from '../contestants/catalogue.ts';
import type { Check, Section } from '../report/section.ts';
import { short, type Table } from '../report/table.ts';
import { withGroup } from '../run/group.ts';
import { type MeasureOptions, measure } from '../run/measure.ts';
import { median, pairedDifference, pairedRatio, pairedShare } from '../run/stats.ts';
import type { Servers } from '../servers/all.ts';
import { STORES } from '../stores.ts';

const READS = STORES.map(readOn);
const OURS = readOn('Redis');
/** Stand in each group, because all others are compared with them. */
const BASE = ['bare', OURS];
const GROUPS = [
  ['plain', 'hashed', changeOn('Redis')],
  ['empty', readOn('memory'), changeOn('memory')],
  ...STORES.filter((store) => store !== 'Redis' && store !== 'memory').map((store) => [
    readOn(store),
    changeOn(store),
  ]),
  ['jose'],
  ['better-auth'],
  ['iron-session'],
];

/** The figures of one contestant, and of the others in its group. */
interface Measured {
  readonly key: string;
  readonly name: string;
  /** µs for one request, in each round. */
  readonly cpu: readonly number[];
  readonly wall: readonly number[];
  /** Store commands for one request. */
  readonly commands: number;
  /** CPU of the same process: of ours on Redis, and of bare tRPC. */
  readonly mine: readonly number[];
  readonly bare: readonly number[];
}

/** One tRPC request, in-process, by ours and by all others, in small groups. */
export async function requestsSection(servers: Servers, options: MeasureOptions): Promise<Section> {
  const all: Measured[] = [];
  for (const group of GROUPS) {
    const measured = await measureGroup([...BASE, ...group], servers, options);
    all.push(...measured.filter(({ key }) => all.every((other) => other.key !== key)));
  }
  return {
    title: 'One request: tRPC, called in-process',
    how:
      'A `Request` into `fetchRequestHandler`, the text of its `Response` out; one query that answers who the user is. Ratios are medians of those within each ' +
      'round of one process, which has bare tRPC, ours on Redis, and few others. “Adds” is what is spent beyond bare tRPC, and “adds ÷ theirs” what ours on Redis ' +
      'adds over what they add.',
    checks: toChecks(all),
    tables: [toTable(all)],
    bars: all
      .filter(({ key }) => key !== 'empty' && !key.startsWith('change'))
      .map(({ key, name, cpu, bare }) => ({
        name,
        cpu: median(cpu),
        bare: median(bare),
        ours: READS.includes(key),
      })),
  };
}

function measureGroup(keys: readonly string[], servers: Servers, options: MeasureOptions): Promise<Measured[]> {
  return withGroup(keys, servers, async (contestants) => {
    const timings = await measure(contestants, options);
    const cpuOf = (key: string) => timings.get(contestants[keys.indexOf(key)]?.name ?? '')?.cpu ?? [];
    const all: Measured[] = [];
    for (const [index, { name, commands }] of contestants.entries()) {
      const { cpu, wall } = timings.get(name) ?? { cpu: [], wall: [] };
      const own = { cpu, wall, mine: cpuOf(OURS), bare: cpuOf('bare') };
      all.push({ key: keys[index] ?? '', name, commands: await commands(), ...own });
    }
    return all;
  });
}

function toChecks(all: readonly Measured[]): Check[] {
  const of = (key: string): Pick<Measured, 'cpu' | 'mine' | 'bare'> =>
    all.find((each) => each.key === key) ?? { cpu: [], mine: [], bare: [] };
  const [plain, hashed, empty, memory] = [of('plain'), of('hashed'), of('empty'), of(readOn('memory'))];
  return [
    {
      what: 'CPU of a request: ours on Redis ÷ hand-rolled (no hash, no guard)',
      reach: 1.25,
      seen: pairedRatio(plain.mine, plain.cpu),
    },
    {
      what: 'CPU of a request: ours on Redis ÷ hand-rolled with hash, compare and guard',
      reach: 1.05,
      seen: pairedRatio(hashed.mine, hashed.cpu),
    },
    {
      what: 'CPU that a session in memory adds to bare tRPC ÷ an async createContext and an empty middleware',
      reach: 2,
      seen: pairedShare(memory.cpu, empty.cpu, memory.bare),
    },
    ...[
      { peer: 'jose', reach: 0.6 },
      { peer: 'iron-session', reach: 0.3 },
    ].flatMap(({ peer, reach }) => {
      const { cpu, mine, bare } = of(peer);
      return [
        {
          what: `CPU that the session adds to bare tRPC: ours on Redis ÷ ${peer}`,
          reach,
          seen: pairedShare(mine, cpu, bare),
        },
        { what: `CPU of a whole request: ours on Redis ÷ ${peer}`, reach, seen: pairedRatio(mine, cpu) },
      ];
    }),
  ];
}

function toTable(all: readonly Measured[]): Table {
  return {
    columns: ['', 'ours ÷ this', 'adds ÷ theirs', 'CPU, µs', 'adds, µs', 'wall, µs', 'store commands'],
    rows: all.map(({ key, name, cpu, wall, commands, mine, bare }) => [
      name,
      short(pairedRatio(mine, cpu)),
      key === 'bare' ? '-' : short(pairedShare(mine, cpu, bare)),
      short(median(cpu)),
      short(pairedDifference(cpu, bare)),
      short(median(wall)),
      short(commands),
    ]),
  };
}
