import { expect, test } from 'vitest';
import { runLive } from '../../examples/live/run.js';

test('examples/live: logging out on one instance ends the streams of the other', async () => {
  const lines: string[] = [];
  expect(await runLive((line) => void lines.push(line)), lines.join('\n')).toBe(true);
  expect(lines.filter((line) => line.includes('ended with UNAUTHORIZED'))).toHaveLength(4);
});
