// Must come before Next.js, which takes AsyncLocalStorage from here.
import 'next/dist/server/node-environment-baseline.js';

import { NextRequest } from 'next/server.js';
import { nextSessions } from '../../../src/adapters/next/index.js';
import { adapterContract } from '../contract.js';
import { restCall, runOperation } from '../support/rest.js';
import { nextScope } from './support/scope.js';

adapterContract({
  name: 'a route of Next.js',
  start: async (sessions) => {
    const { route } = nextSessions(sessions);
    const POST = route(async (context, request: NextRequest) =>
      Response.json(await runOperation(request.url, context)),
    );
    return {
      stop: async () => undefined,
      call: restCall((path, { method = 'POST', headers }) => {
        const request = new NextRequest(`https://app.example${path}`, { method, headers: new Headers(headers) });
        const scope = nextScope(Object.fromEntries(request.headers));
        return scope.inAction(() => POST(request)).catch(() => new Response('oops', { status: 500 }));
      }),
    };
  },
});
