import { expect, test } from 'vitest';
import { runDevices } from '../../examples/devices/run.js';

test('examples/devices: login from several clients, list them, end one, end the others, step up', async () => {
  const lines: string[] = [];
  expect(await runDevices((line) => void lines.push(line)), lines.join('\n')).toBe(true);
  expect(lines.filter((line) => line.includes('✓'))).toHaveLength(11);
});
