import express from 'express';
import { GraphQLError } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { requireSession, useSession } from '../../../src/adapters/yoga/index.js';
import type { Sessions } from '../../../src/index.js';
import { listen } from '../../support/http.js';
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
import { type Handler, makeSchema } from './support/app.js';
import { codesOf, type Fetch, post, type Result, resultOf } from './support/client.js';
import { openSocketServer } from './support/socket.js';

const OUTCOMES: Readonly<Record<string, Answer['outcome']>> = {
  UNAUTHENTICATED: 'unauthenticated',
  SERVICE_UNAVAILABLE: 'unavailable',
  INTERNAL_SERVER_ERROR: 'internal',
};

/** The operations of the contract as fields. */
const run: Record<string, Handler<ContractData>> = {};
for (const [name, operation] of Object.entries(publicOperations)) run[name] = (ctx, value) => operation(ctx, value).catch(refuse);
for (const [name, operation] of Object.entries(protectedOperations)) {
  run[name] = (ctx, value) => operation({ ...ctx, session: requireSession(ctx) }, value).catch(refuse);
}

function refuse(error: unknown): never {
  throw error instanceof Refusal ? new GraphQLError(error.message) : error;
}

function documentOf(operation: Operation, value: string): string {
  const kind = operation === 'whoAmI' || operation === 'theme' ? 'query' : 'mutation';
  return `${kind} { run(op: "${operation}", value: "${value}") }`;
}

function answerOf(result: Result): Omit<Answer, 'text'> {
  if (!result.errors) return { outcome: 'ok', value: text(result.data?.['run']) };
  return { outcome: OUTCOMES[String(codesOf(result)[0])] ?? 'refused', value: null };
}

function text(field: unknown): string | null {
  return typeof field === 'string' ? field : null;
}

function makeYoga(sessions: Sessions<ContractData>) {
  return createYoga({ schema: makeSchema({ run }), logging: false, plugins: [useSession(sessions)] });
}

/** A host that is reached by a URL, and perhaps by a `fetch` of its own. */
interface Reached {
  readonly url: string;
  readonly send?: Fetch;
  stop(): Promise<void>;
}

function httpDriver(name: string, serve: (sessions: Sessions<ContractData>) => Promise<Reached>): Driver {
  async function start(sessions: Sessions<ContractData>): Promise<Host> {
    const { url, send, stop } = await serve(sessions);
    return {
      stop,
      call: async (operation, value, headers) => {
        const answer = await post(`${url}/graphql`, { query: documentOf(operation, value) }, headers, send);
        return { ...answerOf(resultOf(answer)), ...answer };
      },
    };
  }
  return { name, start };
}

adapterContract(httpDriver('Yoga on Node', (sessions) => listen(makeYoga(sessions))));
adapterContract(
  httpDriver('Yoga on Express', (sessions) => {
    const yoga = makeYoga(sessions);
    return listen(express().use(yoga.graphqlEndpoint, yoga));
  }),
);
adapterContract(
  httpDriver('Yoga as a Fetch handler', async (sessions) => {
    const yoga = makeYoga(sessions);
    // The headers of Yoga's own Response hide empty values from get(): these are read as a client would.
    const send: Fetch = async (url, init) => {
      const { body, status, headers } = await yoga.fetch(url, init);
      return new Response(body, { status, headers: [...headers] });
    };
    return { url: 'http://yoga.example', send, stop: async () => undefined };
  }),
);

/** Each call on a connection of its own, as the credentials belong to the connection. */
const socketDriver: Driver = {
  name: 'Yoga with graphql-ws',
  writes: false,
  start: async (sessions) => {
    const server = await openSocketServer(makeYoga(sessions).getEnveloped);
    return {
      stop: () => server.stop(),
      call: async (operation, value, headers) => {
        const client = server.connect({ connectionParams: headers });
        const result = await client.execute(documentOf(operation, value));
        await client.close();
        return { ...answerOf(result), text: JSON.stringify(result) };
      },
    };
  },
};
adapterContract(socketDriver);
