import { expect, test } from 'vitest';
import { explore } from '../../src/testing/races/explore.js';

test('every path is taken once', async () => {
  const ways: string[] = [];
  const runs = await explore(async (choose) => {
    const first = choose(2);
    // The first choice decides the number of further ones.
    ways.push(first === 0 ? `0${choose(3)}` : `1${choose(1)}${choose(2)}`);
  });
  expect(ways).toEqual(['00', '01', '02', '100', '101']);
  expect(runs).toBe(5);
});

test('a run without choices happens once', async () => {
  let runs = 0;
  expect(
    await explore(async () => {
      runs += 1;
    }),
  ).toBe(1);
  expect(runs).toBe(1);
});

test('a run that cannot be repeated is reported', async () => {
  let runs = 0;
  const run = explore(async (choose) => {
    runs += 1;
    choose(runs + 1);
    choose(2);
  });
  await expect(run).rejects.toThrow('did not lead to the same calls again');
});
