import fastify from 'fastify';
import { fastifySessions } from '../../../src/adapters/fastify/index.js';
import type { SessionContext } from '../../../src/index.js';
import { adapterContract, type ContractData } from '../contract.js';
import { restCall, runOperation } from '../support/rest.js';

declare module 'fastify' {
  interface FastifyRequest extends SessionContext<ContractData> {}
}

adapterContract({
  name: 'Fastify',
  start: async (sessions) => {
    const app = fastify({ forceCloseConnections: true });
    app.register(fastifySessions(sessions));
    app.post('/run', (request) => runOperation(request.url, request));
    const url = await app.listen({ port: 0 });
    return { stop: () => app.close(), call: restCall((path, init) => fetch(url + path, init)) };
  },
});
