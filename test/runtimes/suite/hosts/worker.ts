import { env } from 'cloudflare:workers';
import { sqliteStore } from 'token-sessions/sqlite';
import { appOn } from '../app.js';
import { runChecks } from '../check.js';
import { suiteOn } from '../suite.js';

/* A Cloudflare Worker on D1: the application, and at `/suite` the suite in one request. */

const serve = appOn(sqliteStore(env.DB));
let tables = 0;

/** Each check has a table of its own. */
function openD1() {
  tables += 1;
  return { store: sqliteStore(env.DB, { table: `sessions_${tables}` }) };
}

export default {
  async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname !== '/suite') return serve(request);
    return Response.json(await runChecks(suiteOn(openD1)));
  },
};
