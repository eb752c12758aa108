import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { toSvg } from './report/chart.ts';
import { checkTable, type Section, toMarkdown } from './report/section.ts';
import { tableToText } from './report/table.ts';
import type { MeasureOptions } from './run/measure.ts';
import { bulkSection } from './sections/bulk.ts';
import { frugalitySection } from './sections/frugality.ts';
import { growthSection } from './sections/growth.ts';
import { httpSection } from './sections/http.ts';
import { memorySection } from './sections/memory.ts';
import { postgresSection } from './sections/postgres.ts';
import { requestsSection } from './sections/requests.ts';
import { sizeSection } from './sections/size.ts';
import { socketSection } from './sections/socket.ts';
import { throughputSection } from './sections/throughput.ts';
import { type RunningServers, startServers } from './servers/all.ts';

const OPTIONS: MeasureOptions = { rounds: 11, requests: 2_000, concurrency: 32 };

const SECTIONS: Readonly<Record<string, (servers: RunningServers) => Promise<Section>>> = {
  requests: (servers) => requestsSection(servers, OPTIONS),
  http: (servers) => httpSection(servers, OPTIONS),
  throughput: throughputSection,
  frugality: frugalitySection,
  socket: socketSection,
  memory: memorySection,
  postgres: postgresSection,
  bulk: bulkSection,
  growth: growthSection,
  size: sizeSection,
};

/** Runs the named sections, or all of them. The results are only written after a run of all. */
async function main(named: readonly string[]): Promise<void> {
  const unknown = named.find((name) => !Object.hasOwn(SECTIONS, name));
  if (unknown) throw new Error(`no section ${unknown}: there are ${Object.keys(SECTIONS).join(', ')}`);
  const started = performance.now();
  const servers = await startServers();
  const sections: Section[] = [];
  try {
    for (const [name, run] of Object.entries(SECTIONS)) {
      if (named.length > 0 && !named.includes(name)) continue;
      const section = await run(servers);
      sections.push(section);
      console.log([`\n${section.title}`, ...section.tables.map(tableToText)].join('\n\n'));
    }
  } finally {
    await servers.stop();
  }
  console.log(`\nFigures to reach\n\n${tableToText(checkTable(sections.flatMap(({ checks }) => checks)))}`);
  const seconds = Math.round((performance.now() - started) / 1_000);
  console.log(`\n${seconds} s`);
  if (named.length === 0) await writeResults(sections, facts(servers, seconds));
}

function facts({ versions }: RunningServers, seconds: number): string[] {
  const processors = cpus();
  return [
    '`npm run bench`',
    `Node ${process.version}, ${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}; ${versions.join('; ')}`,
    `${OPTIONS.rounds} rounds, interleaved and paired, of ${OPTIONS.requests} requests of each contestant, ${OPTIONS.concurrency} at a time; medians; the whole took ${seconds} s`,
  ];
}

async function writeResults(sections: readonly Section[], lines: readonly string[]): Promise<void> {
  const dir = new URL('results/', import.meta.url);
  await mkdir(dir, { recursive: true });
  await writeFile(new URL('bench.md', dir), toMarkdown('Benchmark', lines, sections));
  const groups = sections.flatMap(({ title, bars }) => (bars ? [{ name: title, bars }] : []));
  await writeFile(new URL('bench.svg', dir), toSvg('CPU of one request (grey: without any session)', groups));
}

await main(process.argv.slice(2));
