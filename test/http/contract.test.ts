import { describe, expect, test } from 'vitest';
import type { Sessions } from '../../src/index.js';
import {
  adapterContract,
  type ContractContext,
  type ContractData,
  type Driver,
  failuresOf,
} from '../adapters/contract.js';
import { restCall, runOperation } from '../adapters/support/rest.js';

type Serve = (request: Request, sessions: Sessions<ContractData>) => Promise<Response>;

/** A Fetch host whose own error handler answers 500. */
function driver(name: string, serve: Serve): Driver {
  return {
    name,
    start: async (sessions) => ({
      stop: async () => undefined,
      call: restCall((path, init) =>
        serve(new Request(`https://app.example${path}`, init), sessions).catch(
          () => new Response('oops', { status: 500 }),
        ),
      ),
    }),
  };
}

async function run(request: Request, context: ContractContext): Promise<Response> {
  return Response.json(await runOperation(request.url, context));
}

adapterContract(
  driver('sessions.handle', (request, sessions) => sessions.handle(request, (context) => run(request, context))),
);

describe('the contract finds a host that is wrong', () => {
  const planted: [string, Serve][] = [
    ['it saves nothing', async (request, sessions) => run(request, await sessions.fromRequest(request))],
    [
      'it saves changes of a failed call',
      (request, sessions) =>
        sessions.handle(request, async (context) =>
          run(request, context).catch(() => new Response('oops', { status: 400 })),
        ),
    ],
    [
      'it loses the headers',
      (request, sessions) =>
        sessions
          .handle(request, (context) => run(request, context))
          .then(({ body, status }) => new Response(body, { status })),
    ],
    [
      'it answers an outage as anonymous',
      (request, sessions) =>
        sessions
          .handle(request, (context) => run(request, context))
          .then((response) => (response.status === 503 ? Response.json({ value: null }) : response)),
    ],
    [
      'it shows the errors of the server',
      (request, sessions) =>
        sessions
          .handle(request, (context) => run(request, context))
          .then(async (response) =>
            response.status === 503 ? new Response(`${await response.text()} db.internal`, response) : response,
          ),
    ],
    [
      'it ignores the site that a request comes from',
      (request, sessions) => {
        const headers = new Headers(request.headers);
        for (const name of ['origin', 'sec-fetch-site']) headers.delete(name);
        return sessions.handle(new Request(request, { headers }), (context) => run(request, context));
      },
    ],
    [
      'it lets answers with tokens be cached',
      async (request, sessions) => {
        const response = await sessions.handle(request, (context) => run(request, context));
        const headers = new Headers(response.headers);
        headers.delete('cache-control');
        return new Response(response.body, { status: response.status, headers });
      },
    ],
    [
      'it asks the store twice',
      async (request, sessions) => {
        await sessions.fromRequest(request).catch(() => undefined);
        return sessions.handle(request, (context) => run(request, context));
      },
    ],
    [
      'it echoes the token',
      async (request, sessions) => {
        const response = await sessions.handle(request, (context) => run(request, context));
        return new Response(
          response.ok ? response.body : `${await response.text()}${request.headers.get('authorization')}`,
          response,
        );
      },
    ],
    [
      'it logs in at once',
      async (request, sessions) => {
        const created = await sessions.fromRequest(request).catch(() => undefined);
        return sessions.handle(request, (context) =>
          run(request, { ...context, sessions: created?.sessions ?? context.sessions }),
        );
      },
    ],
  ];

  test.each(planted)('%s', async (_, serve) => {
    expect(await failuresOf(driver('planted', serve))).not.toEqual([]);
  });
});
