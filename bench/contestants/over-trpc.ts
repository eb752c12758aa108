import type { AnyTRPCRouter, inferRouterContext } from '@trpc/server';
import { type FetchCreateContextFnOptions, fetchRequestHandler } from '@trpc/server/adapters/fetch';
import type { Contestant } from '../run/measure.ts';

export interface TrpcServer<Router extends AnyTRPCRouter> {
  readonly router: Router;
  readonly createContext: (
    options: FetchCreateContextFnOptions,
  ) => inferRouterContext<Router> | Promise<inferRouterContext<Router>>;
  /** The headers of the client of each session. */
  readonly clients: readonly Readonly<Record<string, string>>[];
  /** The procedure to call. */
  readonly path: 'whoAmI' | 'visit';
  /** The expected answer for the client of a session. */
  readonly answer: (session: number) => string;
}

/** A tRPC server, called in-process: a `Request` in, the text of a `Response` out. */
export function overTrpc<Router extends AnyTRPCRouter>(name: string, server: TrpcServer<Router>): Contestant {
  const { router, createContext, clients, path, answer } = server;
  const requests = clients.map((headers) =>
    path === 'visit' ? { method: 'POST', headers: { ...headers, 'content-type': 'application/json' } } : { headers },
  );
  const expected = clients.map((_, session) => JSON.stringify({ result: { data: answer(session) } }));
  return {
    name,
    async run(request) {
      const session = request % clients.length;
      const req = new Request(`http://localhost/trpc/${path}`, requests[session]);
      const response = await fetchRequestHandler<Router>({ endpoint: '/trpc', req, router, createContext });
      const text = await response.text();
      if (text !== expected[session]) throw new Error(`${name}: wrong answer to request ${request}: ${text}`);
    },
  };
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

export const userIdOf = (session: number): string => `user-${session}`;
