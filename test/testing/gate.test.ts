import { expect, test } from 'vitest';
import { memoryStore } from '../../src/index.js';
import { explore } from '../../src/testing/races/explore.js';
import { Gate } from '../../src/testing/races/gate.js';
import { completeStore } from './support/complete-store.js';

const now = () => 0;
const ID = '0123e456-7e89-7e01-9e23-4e5678e90123';

/** An actor with this many steps, which records the end of each. */
function actor(gate: Gate, name: string, number: number, steps: number, done: string[]): () => Promise<void> {
  return async () => {
    for (let step = 1; step <= steps; step += 1) {
      await gate.pass({ actor: number, verb: 'clock' }, async () => void done.push(`${name}${step}`));
    }
  };
}

test('all orders of the steps of two actors occur, each once', async () => {
  const orders: string[] = [];
  await explore(async (choose) => {
    const gate = new Gate(now);
    const done: string[] = [];
    expect(await gate.race([actor(gate, 'a', 0, 2, done), actor(gate, 'b', 1, 2, done)], choose, true)).toBe(true);
    orders.push(done.join(' '));
  });
  expect(orders.sort()).toEqual([
    'a1 a2 b1 b2',
    'a1 b1 a2 b2',
    'a1 b1 b2 a2',
    'b1 a1 a2 b2',
    'b1 a1 b2 a2',
    'b1 b2 a1 a2',
  ]);
});

test('a step continues only when all actors wait or have finished, including those that wait for a timer', async () => {
  const gate = new Gate(now);
  const done: string[] = [];
  const late = async () => {
    await new Promise((resolve) => setTimeout(resolve, 10));
    await actor(gate, 'late', 0, 1, done)();
  };
  // The first choice is the late actor's: it is offered, because no other went on before it
  // waited.
  await gate.race([late, actor(gate, 'early', 1, 1, done)], () => 0, true);
  expect(done).toEqual(['late1', 'early1']);
});

test('actors that wait for each other outside the gate do not block it', async () => {
  const gate = new Gate(now);
  const done: string[] = [];
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const first = async () => {
    await actor(gate, 'a', 0, 1, done)();
    open();
  };
  const second = async () => {
    await opened;
    done.push('b');
  };
  await gate.race([first, second], () => 0, false);
  expect(done).toEqual(['a1', 'b']);
});

test('only one of two orders counts that differ in which find came first', async () => {
  const store = memoryStore({ now });
  const orders: [string, boolean][] = [];
  await explore(async (choose) => {
    const gate = new Gate(now);
    const actors = [0, 1].map((number) => async () => void (await gate.guard(store, number).find(ID)));
    const counts = await gate.race(actors, choose, true);
    orders.push([gate.steps.map((step) => step.actor).join(' '), counts]);
  });
  expect(orders).toEqual([
    ['0 1', true],
    ['1 0', false],
  ]);
});

test('steps that are not raced pass at once, and all are recorded with their times', async () => {
  let time = 5;
  const gate = new Gate(() => time);
  const store = gate.guard(memoryStore({ now }), 3);
  expect(await store.delete(ID)).toBe(false);
  const waiting = gate.race(
    [
      async () => {
        expect(await store.find(ID)).toBe(null);
      },
    ],
    () => 0,
    true,
  );
  time = 7;
  await waiting;
  expect(gate.steps).toEqual([
    { actor: 3, verb: 'delete', askedAt: 5, doneAt: 5, result: false },
    { actor: 3, verb: 'find', askedAt: 5, doneAt: 7, result: null },
  ]);
});

test('errors of an actor, and errors that the store throws at it, come out at the end', async () => {
  const gate = new Gate(now);
  const done: string[] = [];
  const down = gate.guard({ ...completeStore(now), find: () => Promise.reject(new Error('down')) }, 0);
  const refused = async () => void (await down.find(ID));
  await expect(gate.race([refused, actor(gate, 'b', 1, 2, done)], () => 0, true)).rejects.toThrow('down');
  expect(done).toEqual(['b1', 'b2']);
});
