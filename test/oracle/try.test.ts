import { test } from 'vitest';
import { Oracle } from './oracle.js';
import { loadSources } from './play/library.js';

test('try', { timeout: 600_000 }, async () => {
  const oracle = await Oracle.open(await loadSources());
  const c0 = process.cpuUsage();
  const t0 = performance.now();
  const rounds = Number(process.env['ORACLE_ROUNDS'] ?? 100);
  const found = await oracle.search(rounds, Number(process.env['ORACLE_SEED'] ?? 1));
  const { user, system } = process.cpuUsage(c0);
  console.log(performance.now() - t0, (user + system) / 1000);
  console.log(JSON.stringify(found, null, 1)?.replace(/\n\s+/g, ' '));
  await oracle.close();
});
