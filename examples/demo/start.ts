import { startServer } from './server.js';
import { openSessions } from './sessions.js';
import { openStore } from './store.js';

const { name, store } = await openStore(process.env['DEMO_FILE'] ?? '.cache/demo.db');
const { url } = await startServer(openSessions(store), Number(process.env['PORT'] ?? 4000));

console.log(`GraphQL, with GraphiQL:  ${url}/graphql
tRPC:                    ${url}/trpc

Log in as ada with the password lovelace, in GraphiQL or with

  curl ${url}/trpc/login -H 'content-type: application/json' -d '{"name":"ada","password":"lovelace"}'

and send the token that comes back with each request, to both:

  curl ${url}/trpc/me -H 'authorization: Bearer <token>'
  curl ${url}/graphql -H 'authorization: Bearer <token>' -H 'content-type: application/json' -d '{"query":"{ me { userId views } }"}'

Ctrl+C stops it. The sessions are in ${name}, and will be there when it is started again.`);
