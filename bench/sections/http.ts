import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { createClient } from 'redis';
import { forEachSession } from '../contestants/accounts.ts';
import { bearer, userIdOf } from '../contestants/over-trpc.ts';
import type { Section } from '../report/section.ts';
import { short } from '../report/table.ts';
import { commandsPerRequest } from '../run/commands.ts';
import { type Contestant, driven, type MeasureOptions, measure } from '../run/measure.ts';
import { median, pairedDifference, pairedRatio } from '../run/stats.ts';
import type { Servers } from '../servers/all.ts';
import { commandsOn, total } from '../servers/redis.ts';

type Headers = Readonly<Record<string, string>>;

/**
 * Express over HTTP: express-session with connect-redis beside ours, each server in a process of
 * its own. CPU is that of the server process alone.
 */
export async function httpSection({ redisUrl }: Servers, options: MeasureOptions): Promise<Section> {
  const servers = (['bare', 'peer', 'ours'] as const).map((app) =>
    fork(new URL('http-server.ts', import.meta.url), [redisUrl, app]),
  );
  const agent = new Agent({ keepAlive: true, maxSockets: options.concurrency });
  const redis = createClient({ url: redisUrl });
  await redis.connect();
  try {
    const ports = await Promise.all(servers.map((server) => once(server, 'message')));
    const [atBare = 0, atPeer = 0, atOurs = 0] = ports.map(([port]) => Number(port));
    const contestants = await Promise.all([bare(agent, atBare), peer(agent, atPeer), ours(agent, atOurs)]);
    const timings = await measure(
      contestants.map((each, index) => driven({ ...each, cpu: () => cpuOf(servers[index]) })),
      options,
    );
    const count = async () => total(await commandsOn(redis));
    const rows: string[][] = [];
    const [withoutSession, , mine] = contestants.map(({ name }) => timings.get(name)?.cpu ?? []);
    for (const contestant of contestants) {
      const { cpu: spent, wall } = timings.get(contestant.name) ?? { cpu: [], wall: [] };
      const numbers = [
        pairedRatio(mine ?? [], spent),
        median(spent),
        pairedDifference(spent, withoutSession ?? []),
        median(wall),
      ];
      rows.push([contestant.name, ...numbers.map(short), short(await commandsPerRequest(contestant, count))]);
    }
    return {
      title: 'One request: Express, over HTTP',
      how: 'Express 5 and Redis; keep-alive connections of another process. CPU is that of the server alone. express-session is set up as its documentation shows, with `resave: false`.',
      checks: [],
      tables: [{ columns: ['', 'ours ÷ this', 'CPU, µs', 'adds, µs', 'wall, µs', 'Redis commands'], rows }],
      bars: contestants.map(({ name }, index) => ({
        name,
        cpu: median(timings.get(name)?.cpu ?? []),
        bare: median(withoutSession ?? []),
        ours: index === 2,
      })),
    };
  } finally {
    agent.destroy();
    for (const server of servers) server.disconnect();
    await redis.close();
  }
}

async function bare(agent: Agent, port: number): Promise<Contestant> {
  return overHttp('bare Express, no session', agent, port, [{}], () => 'anonymous');
}

async function peer(agent: Agent, port: number): Promise<Contestant> {
  const clients = await forEachSession(async (_, index) => {
    const { headers } = await send(agent, port, 'POST', `/login/${index}`, {});
    const [cookie = ''] = headers['set-cookie'] ?? [];
    return { cookie: cookie.slice(0, cookie.indexOf(';')) };
  });
  return overHttp('express-session + connect-redis', agent, port, clients, userIdOf);
}

async function ours(agent: Agent, port: number): Promise<Contestant> {
  const clients = await forEachSession(async (_, index) => {
    const { text } = await send(agent, port, 'POST', `/login/${index}`, {});
    const { token }: { token: string } = JSON.parse(text);
    return bearer(token);
  });
  return overHttp('token-sessions on Redis', agent, port, clients, userIdOf);
}

function overHttp(
  name: string,
  agent: Agent,
  port: number,
  clients: readonly Headers[],
  answer: (session: number) => string,
): Contestant {
  const expected = clients.map((_, session) => JSON.stringify({ userId: answer(session) }));
  return {
    name,
    async run(number) {
      const session = number % clients.length;
      const { text } = await send(agent, port, 'GET', '/', clients[session] ?? {});
      if (text !== expected[session]) throw new Error(`${name}: wrong answer to request ${number}: ${text}`);
    },
  };
}

function send(
  agent: Agent,
  port: number,
  method: string,
  path: string,
  headers: Headers,
): Promise<{ headers: IncomingHttpHeaders; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ agent, host: '127.0.0.1', port, method, path, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ headers: response.headers, text }));
      response.on('error', reject);
    });
    outgoing.on('error', reject).end();
  });
}

async function cpuOf(server: ChildProcess | undefined): Promise<number> {
  if (!server) return Number.NaN;
  const answer = once(server, 'message');
  server.send('cpu');
  const [micros]: number[] = await answer;
  return micros ?? Number.NaN;
}
