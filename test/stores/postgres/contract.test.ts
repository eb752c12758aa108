import { RUNNER } from '../support/runner.js';
import { contractOn } from './support/contract.js';
import { describePostgres } from './support/server.js';

describePostgres('the store contract on PostgreSQL', (postgres) => {
  contractOn('through a Pool', async () => [postgres.pool(), postgres.pool()], RUNNER);
  contractOn('through a Client', async () => [await postgres.client(), await postgres.client()], RUNNER);
});
