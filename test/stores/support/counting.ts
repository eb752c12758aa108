import type { Sessions } from '../../../src/index.js';

/**
 * Increments the counter of a session repeatedly in each of two lines, once the given number of
 * processes has started. (Concurrent increments would be joined into one write.)
 */
export async function countTogether(
  sessions: Sessions<{ count: number }>,
  token: string,
  processes: number,
  times: number,
): Promise<void> {
  await sessions.create({ count: 0 });
  // The first session is the one with the counter.
  while ((await sessions.count()) < processes + 1) await new Promise((resolve) => setTimeout(resolve, 5));
  const line = async () => {
    for (let time = 0; time < times / 2; time += 1) {
      const { session } = await sessions.fromToken(token);
      await session?.update((data) => {
        data.count += 1;
      });
    }
  };
  await Promise.all([line(), line()]);
}
