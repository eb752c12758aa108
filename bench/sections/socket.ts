import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Section } from '../report/section.ts';
import { short } from '../report/table.ts';
import { median, orderOf, pairedRatio } from '../run/stats.ts';

const CALLS = 32_000;
const WARM_UPS = 3;
const ROUNDS = 7;

/**
 * Anonymous calls that are all open together on one WebSocket. Each server has its own process,
 * and CPU is that of the server alone.
 */
export async function socketSection(): Promise<Section> {
  const servers = { plain: startServer('plain'), ours: startServer('ours') };
  try {
    const ports = { plain: await portOf(servers.plain), ours: await portOf(servers.ours) };
    const cpu = { plain: [] as number[], ours: [] as number[] };
    // Rounds that do not count, so that the compiler sees all of the code.
    for (let round = -WARM_UPS; round < ROUNDS; round += 1) {
      for (const name of orderOf(['plain', 'ours'] as const, round + WARM_UPS)) {
        const taken = await measureSocket(servers[name], ports[name]);
        if (round >= 0) cpu[name].push(taken);
      }
    }
    const ratio = pairedRatio(cpu.ours, cpu.plain);
    return {
      title: 'One WebSocket with many calls',
      how: `tRPC over \`ws\`: ${CALLS} anonymous calls of one socket, all of them open before the first is answered. CPU is that of the server alone; medians of ${ROUNDS} interleaved rounds.`,
      checks: [{ what: `${CALLS} anonymous calls on one socket: ours ÷ plain tRPC`, reach: 1.5, seen: ratio }],
      tables: [
        {
          columns: ['', '÷ plain tRPC', 'CPU of a call, µs'],
          rows: [
            ['plain tRPC', short(1), short(median(cpu.plain))],
            ['token-sessions, behind withSession', short(ratio), short(median(cpu.ours))],
          ],
        },
      ],
    };
  } finally {
    for (const server of Object.values(servers)) server.disconnect();
  }
}

function startServer(name: 'plain' | 'ours'): ChildProcess {
  return fork(new URL('socket-server.ts', import.meta.url), [name, String(CALLS)]);
}

/** The first message of a server. */
async function portOf(server: ChildProcess): Promise<number> {
  const [port]: number[] = await once(server, 'message');
  if (!port) throw new Error('the server sent no port');
  return port;
}

/** µs of the server's CPU for one call. */
async function measureSocket(server: ChildProcess, port: number): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  await once(socket, 'open');
  const before = await cpuOf(server);
  let answers = 0;
  const all = new Promise<void>((resolve, reject) => {
    socket.on('message', (data) => {
      if (!String(data).includes('"done"')) reject(new Error(`a wrong answer: ${String(data)}`));
      answers += 1;
      if (answers === CALLS) resolve();
    });
  });
  for (let id = 1; id <= CALLS; id += 1)
    socket.send(JSON.stringify({ id, jsonrpc: '2.0', method: 'query', params: { path: 'wait' } }));
  await all;
  const spent = (await cpuOf(server)) - before;
  socket.close();
  await once(socket, 'close');
  return spent / CALLS;
}

async function cpuOf(server: ChildProcess): Promise<number> {
  const answer = once(server, 'message');
  server.send('cpu');
  const [micros]: number[] = await answer;
  return micros ?? Number.NaN;
}
