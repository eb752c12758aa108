import { test } from 'vitest';
import { Oracle } from './oracle.js';
import { bugs } from './planted/bugs.js';
import { plant } from './planted/build.js';

const only = process.env['BUG'];
test('measure', { timeout: 1_200_000 }, async () => {
  for (const bug of bugs) {
    if (only && !bug.name.includes(only)) continue;
    try {
      const t0 = performance.now();
      const lib = await plant(bug);
      const t1 = performance.now();
      const oracle = await Oracle.open(lib);
      const c0 = process.cpuUsage();
      const found = await oracle.search(Number(process.env['ORACLE_ROUNDS'] ?? 500), 1, Boolean(only));
      const { user, system } = process.cpuUsage(c0);
      console.log(`${bug.name}: ${found?.round} ${Math.round(t1 - t0)}ms ${Math.round((user + system) / 1000)}ms ${found?.complaint.slice(0, 150)}`);
      if (only) console.log(JSON.stringify(found?.program));
      await oracle.close();
    } catch (error) {
      console.log(`${bug.name}: FAILED ${String(error).slice(0, 300)}`);
    }
  }
});
