import type { Sessions } from '../../../src/index.js';

/**
 * Raises the counter of a session, one time after the other in each of two lines, once as many processes as there should be are at it.
 * (What is raised at the same time goes into one write.)
 */
export async function countTogether(sessions: Sessions<{ count: number }>, token: string, processes: number, times: number): Promise<void> {
  await sessions.create({ count: 0 });
  // The session that is counted in is the first one.
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
