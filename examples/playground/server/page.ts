import type { ServerResponse } from 'node:http';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Rolldown } from 'vite';

const PAGE = join(dirname(fileURLToPath(import.meta.url)), '../page');
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.map': 'application/json',
};
const HEADERS = {
  // No script but our own: a token that scripts can read is only as safe as the page.
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
  'cache-control': 'no-cache',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Builds the page with Vite. Its files stay in memory. */
export async function buildPage() {
  const built = await build({
    root: PAGE,
    configFile: join(PAGE, 'vite.config.ts'),
    build: { write: false },
    logLevel: 'warn',
  });
  const files = new Map<string, string | Uint8Array>();
  for (const { output } of outputsOf(built)) {
    for (const file of output) files.set(`/${file.fileName}`, file.type === 'chunk' ? file.code : file.source);
  }
  const index = files.get('/index.html');
  if (index !== undefined) files.set('/', index);

  return (path: string, response: ServerResponse): void => {
    const file = files.get(path);
    if (file === undefined) response.writeHead(404, HEADERS).end('There is no such page.\n');
    else
      response
        .writeHead(200, { ...HEADERS, 'content-type': `${TYPES[extname(path) || '.html']}; charset=utf-8` })
        .end(file);
  };
}

function outputsOf(built: Awaited<ReturnType<typeof build>>): Rolldown.RolldownOutput[] {
  if (Array.isArray(built)) return built;
  if ('output' in built) return [built];
  throw new Error('Vite watches, and has built nothing');
}
