import express from 'express';
import { createYoga } from 'graphql-yoga';
import { useSession } from '../../../src/adapters/yoga/index.js';
import type { Sessions } from '../../../src/index.js';
import { listen } from '../../support/http.js';
import { adapterContract, type ContractData, type Driver, type Host } from '../contract.js';
import { answerOf, documentOf, run } from '../support/graphql.js';
import { makeSchema } from './support/app.js';
import { type Fetch, post, resultOf } from './support/client.js';
import { openSocketServer } from './support/socket.js';

function makeYoga(sessions: Sessions<ContractData>) {
  return createYoga({ schema: makeSchema({ run }), logging: false, plugins: [useSession(sessions)] });
}

/** A host with a URL, and perhaps with its own `fetch`. */
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
    // The headers of Yoga's own Response hide empty values from get(), so read them as a client
    // would.
    const send: Fetch = async (url, init) => {
      const { body, status, headers } = await yoga.fetch(url, init);
      return new Response(body, { status, headers: [...headers] });
    };
    return { url: 'http://yoga.example', send, stop: async () => undefined };
  }),
);

/** Each call has its own connection, because the credentials belong to the connection. */
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
