import type { Sessions } from '../../../src/index.js';
import { adapterContract, type ContractData, type Driver } from '../contract.js';
import { answerOf, documentOf, run } from '../support/graphql.js';
import { type Fetch, post, resultOf } from '../yoga/support/client.js';
import { fetchApollo, startApollo } from './support/app.js';

interface Reached {
  readonly url: string;
  readonly send?: Fetch;
  stop(): Promise<void>;
}

function driver(name: string, serve: (sessions: Sessions<ContractData>) => Promise<Reached>): Driver {
  return {
    name,
    start: async (sessions) => {
      const { url, send, stop } = await serve(sessions);
      return {
        stop,
        call: async (operation, value, headers) => {
          const answer = await post(url, { query: documentOf(operation, value) }, headers, send);
          return { ...answerOf(resultOf(answer)), ...answer };
        },
      };
    },
  };
}

adapterContract(driver('Apollo Server on Node', (sessions) => startApollo(sessions, { run })));
adapterContract(
  driver('Apollo Server on a Fetch host', async (sessions) => ({
    url: 'https://apollo.example/',
    ...(await fetchApollo(sessions, { run })),
  })),
);
