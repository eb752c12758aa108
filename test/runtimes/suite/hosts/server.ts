import { appOn } from '../app.js';
import { openSqlite } from './sqlite.js';

/**
 * Serves the application by the server of Bun or Deno, or on Node by Hono's, and prints its port.
 */

type Fetch = (request: Request) => Promise<Response>;

interface BunRuntime {
  serve(options: { port: number; hostname: string; fetch: Fetch }): { readonly port: number };
}

interface DenoRuntime {
  serve(
    options: { port: number; hostname: string; onListen(at: { readonly port: number }): void },
    fetch: Fetch,
  ): unknown;
}

declare const Bun: BunRuntime;
declare const Deno: DenoRuntime;

const fetch = appOn(openSqlite().store);
const at = { port: 0, hostname: '127.0.0.1' };
const print = ({ port }: { readonly port: number }): void => console.log(port);

if ('Bun' in globalThis) print(Bun.serve({ ...at, fetch }));
else if ('Deno' in globalThis) Deno.serve({ ...at, onListen: print }, fetch);
else {
  const { serve } = await import('@hono/node-server');
  serve({ ...at, fetch }, print);
}
