import { runChecks } from '../check.js';
import { httpChecks } from '../http-checks.js';

/*
 * Runs the Worker that is bundled beside this file in workerd, by miniflare, and prints its
 * results as JSON. For Node 22 or newer. Its arguments: the Worker, its compatibility date, and
 * the module of miniflare, which is installed elsewhere.
 */

interface Miniflare {
  readonly ready: Promise<URL>;
  dispatchFetch(url: string): Promise<Response>;
  dispose(): Promise<void>;
}

type MiniflareModule = { readonly Miniflare: new (options: object) => Miniflare };

const [scriptPath, compatibilityDate, miniflareModule = ''] = process.argv.slice(2);
const { Miniflare }: MiniflareModule = await import(miniflareModule);
const miniflare = new Miniflare({
  modules: true,
  scriptPath,
  compatibilityDate,
  compatibilityFlags: ['nodejs_compat'],
  d1Databases: { DB: 'sessions' },
});
try {
  const { origin } = await miniflare.ready;
  const inside = await (await miniflare.dispatchFetch('http://worker.example/suite')).json();
  console.log(JSON.stringify([inside, await runChecks(httpChecks(origin))].flat()));
} finally {
  await miniflare.dispose();
}
