import { queryObjects } from 'node:v8';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { expressStore } from '../../../src/stores/express-store/index.js';
import { callbackStore } from '../../support/callback-store.js';

test('operations on one session leave nothing in memory once they are done', async () => {
  const inner = callbackStore();
  const store = expressStore(inner);
  inner.calls.push = () => 0;
  await store.delete(v7());
  const before = queryObjects(Promise, { format: 'count' });
  for (let i = 0; i < 50; i += 1) {
    await Promise.all(Array.from({ length: 100 }, () => store.delete(v7())));
  }
  await new Promise((resolve) => setImmediate(resolve));
  expect(queryObjects(Promise, { format: 'count' }) - before).toBeLessThan(1_000);
});
