import { createSessions, memoryStore } from '../../../src/index.js';

// Run with `node --expose-gc --import tsx`. Prints the bytes that a session takes in the memory
// store besides its encoded data.
const count = Number(process.argv[2] ?? 100_000);

function usedBytes(): number {
  for (let round = 0; round < 4; round += 1) globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const store = memoryStore({ maxSessions: count });
const sessions = createSessions<{ userId: string; theme: string; views: number }>({
  store,
  ownerOf: ({ userId }) => userId,
});
const dataOf = (index: number) => ({ userId: `user-${index}`, theme: 'dark', views: index });

/**
 * Creates sessions and uses each once. Those over the maximum end the oldest. Returns the size of
 * their data.
 */
async function create(from: number, to: number): Promise<number> {
  let bytes = 0;
  for (let index = from; index < to; index += 1) {
    const data = dataOf(index);
    bytes += Buffer.byteLength(JSON.stringify({ ...data, views: index + 1 }));
    const session = await sessions.create(data);
    await session.update((draft) => {
      draft.views += 1;
    });
  }
  return bytes;
}

// Load the code itself before the first measurement.
await create(0, 2_000);
await store.clear();
const before = usedBytes();
const dataBytes = await create(0, count);
const full = usedBytes();
await create(count, 2 * count);
const renewed = usedBytes();
const each = (bytes: number) => Math.round((bytes - before - dataBytes) / count);
process.stdout.write(
  JSON.stringify({ count: await store.count(), each: each(full), eachAfterRenewal: each(renewed) }),
);
