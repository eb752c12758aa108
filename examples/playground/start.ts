import { startPlayground } from './server/server.js';

const { url } = await startPlayground({ port: Number(process.env['PORT'] ?? 0) });

console.log(`The playground:  ${url}
GraphiQL:        ${url}/graphql

Ctrl+C stops it, and ends all sessions: they are in the memory of this process.`);
