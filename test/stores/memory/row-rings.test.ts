import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NONE, RowRings } from '../../../src/stores/memory/row-rings.js';

function ringOf(rings: RowRings, ...rows: readonly number[]): number {
  return rows.reduce((first, row) => rings.append(first, row), NONE);
}

test('a ring keeps its rows in the order of their insertion', () => {
  const rings = new RowRings();
  rings.grow(8);
  expect([...rings.rows(NONE)]).toEqual([]);
  expect([...rings.rows(ringOf(rings, 3))]).toEqual([3]);
  expect([...rings.rows(ringOf(rings, 5, 0, 7))]).toEqual([5, 0, 7]);
});

test('the first, a middle, the last and the only row can be removed', () => {
  const rings = new RowRings();
  rings.grow(8);
  const first = ringOf(rings, 1, 2, 3, 4);
  const second = rings.remove(first, 1);
  expect([...rings.rows(second)]).toEqual([2, 3, 4]);
  expect([...rings.rows(rings.remove(second, 3))]).toEqual([2, 4]);
  expect([...rings.rows(rings.remove(second, 4))]).toEqual([2]);
  expect(rings.remove(second, 2)).toBe(NONE);
});

test('rings stay separate, and keep their rows when they grow', () => {
  const rings = new RowRings();
  rings.grow(4);
  const [even, odd] = [ringOf(rings, 0, 2), ringOf(rings, 1, 3)];
  rings.grow(10);
  expect([...rings.rows(rings.append(even, 8))]).toEqual([0, 2, 8]);
  expect([...rings.rows(rings.remove(odd, 1))]).toEqual([3]);
});

test('any number of changes leaves the rows in order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 9 }), { maxLength: 100 }), (rows) => {
      const rings = new RowRings();
      rings.grow(10);
      let first = NONE;
      let model: number[] = [];
      for (const row of rows) {
        const known = model.includes(row);
        first = known ? rings.remove(first, row) : rings.append(first, row);
        model = known ? model.filter((each) => each !== row) : [...model, row];
        expect([...rings.rows(first)]).toEqual(model);
      }
    }),
  );
});
