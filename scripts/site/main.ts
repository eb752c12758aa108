import { buildSite, DIST } from './build.js';
import { siteServer } from './serve.js';

/* `npm run docs` builds the site and serves it; `npm run docs:build` only builds it. */

await buildSite();
if (process.argv.includes('--serve')) {
  const port = Number(process.env['PORT'] ?? 4173);
  siteServer(DIST).listen(port, '127.0.0.1', () =>
    console.log(`The documentation is at http://127.0.0.1:${port}. Ctrl+C stops it.`),
  );
}
