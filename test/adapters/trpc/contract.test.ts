import { TRPCClientError } from '@trpc/client';
import { TRPCError } from '@trpc/server';
import type { Sessions } from '../../../src/index.js';
import {
  type Answer,
  adapterContract,
  type ContractData,
  type Driver,
  type Host,
  type Operation,
  protectedOperations,
  publicOperations,
  Refusal,
} from '../contract.js';
import { type Handlers, makeApp } from './support/app.js';
import { httpClient, type LinkName, socketClient } from './support/clients.js';
import { httpHosts, overWebSocket, type Serve } from './support/hosts.js';

const OUTCOMES: Readonly<Record<string, Answer['outcome']>> = {
  UNAUTHORIZED: 'unauthenticated',
  SERVICE_UNAVAILABLE: 'unavailable',
  INTERNAL_SERVER_ERROR: 'internal',
};

function refusing<Args extends readonly unknown[]>(run: (...args: Args) => Promise<unknown>) {
  return (...args: Args) =>
    run(...args).catch((error: unknown) => {
      throw error instanceof Refusal ? new TRPCError({ code: 'BAD_REQUEST', message: error.message }) : error;
    });
}

/** The operations of the contract as procedures. */
function contractApp(sessions: Sessions<ContractData>) {
  const handlers: Handlers<ContractData> = {
    open: Object.fromEntries(
      Object.entries(publicOperations).map(([name, run]) => [
        name,
        refusing((context, { value }) => run(context, value)),
      ]),
    ),
    own: Object.fromEntries(
      Object.entries(protectedOperations).map(([name, run]) => [
        name,
        refusing((context, { value }) => run(context, value)),
      ]),
    ),
  };
  return makeApp(sessions, handlers);
}

type Client = Pick<ReturnType<typeof httpClient>, 'open' | 'own'>;

async function answer(client: Client, operation: Operation, value: string): Promise<Omit<Answer, 'headers'>> {
  const input = `${operation}:${value}`;
  try {
    const result = await (operation in publicOperations ? client.open.mutate(input) : client.own.mutate(input));
    return { outcome: 'ok', value: typeof result === 'string' ? result : null, text: JSON.stringify(result) };
  } catch (error) {
    if (!(error instanceof TRPCClientError)) throw error;
    const { code, httpStatus } = error.data ?? {};
    return {
      outcome: OUTCOMES[code] ?? 'refused',
      value: null,
      status: httpStatus,
      text: JSON.stringify([error.message, error.shape]),
    };
  }
}

function httpDriver(name: string, link: LinkName, serve: Serve, writes?: false): Driver {
  async function start(sessions: Sessions<ContractData>): Promise<Host> {
    const host = await serve(contractApp(sessions));
    return {
      stop: () => host.stop(),
      call: async (operation, value, headers) => {
        const seen: { headers?: Headers } = {};
        const client = httpClient(link, {
          url: host.url,
          headers,
          fetch: async (input, init) => {
            const response = await host.fetch(input, init);
            seen.headers = response.headers;
            return response;
          },
        });
        return { ...(await answer(client, operation, value)), headers: seen.headers };
      },
    };
  }
  return { name, start, ...(writes === false && { writes }) };
}

/** Each call has its own connection, because the credentials belong to the connection. */
const socketDriver: Driver = {
  name: 'tRPC on WebSockets',
  writes: false,
  start: async (sessions) => {
    const host = await overWebSocket(contractApp(sessions));
    return {
      stop: () => host.stop(),
      call: async (operation, value, headers) => {
        const { client, close } = socketClient(host.url, headers);
        const result = await answer(client, operation, value);
        await close();
        return result;
      },
    };
  },
};

for (const [name, serve] of httpHosts) adapterContract(httpDriver(`tRPC on ${name}, httpLink`, 'single', serve));
for (const [name, serve] of httpHosts.slice(0, 2)) {
  adapterContract(httpDriver(`tRPC on ${name}, httpBatchLink`, 'batch', serve));
  adapterContract(httpDriver(`tRPC on ${name}, httpBatchStreamLink`, 'stream', serve, false));
}
adapterContract(socketDriver);
