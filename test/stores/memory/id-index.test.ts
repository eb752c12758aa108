import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IdIndex } from '../../../src/stores/memory/id-index.js';

function indexOf(ids: readonly string[]): IdIndex {
  return new IdIndex((row, id) => ids[row] === id);
}

test('an id is found with its row until it is removed', () => {
  const index = indexOf(['a', 'b']);
  expect(index.get('a')).toBe(undefined);
  index.add('a', 0);
  index.add('b', 1);
  expect([index.get('a'), index.get('b'), index.size]).toEqual([0, 1, 2]);
  index.delete('a');
  index.delete('a');
  index.delete('unknown');
  expect([index.get('a'), index.get('b'), index.size]).toEqual([undefined, 1, 1]);
  expect(index.rows()).toEqual([1]);
});

test('ids are found among thousands, whether their ends are alike or not', () => {
  // The place depends only on the last ten characters, which are all alike here.
  const alike = Array.from({ length: 300 }, (_, row) => `${row}-0000000000`);
  const ids = [...alike, '', ...Array.from({ length: 5_000 }, (_, row) => row.toString(16).padStart(12, '0'))];
  const index = indexOf(ids);
  for (const [row, id] of ids.entries()) index.add(id, row);
  expect(ids.map((id) => index.get(id))).toEqual([...ids.keys()]);
  expect(index.rows().sort((a, b) => a - b)).toEqual([...ids.keys()]);
});

test('any number of additions and removals leaves the remaining ids findable', () => {
  // There are few ends for many ids: most stand in another's place, and move when that is removed.
  const ids = Array.from({ length: 60 }, (_, row) => `${row}:${'x'.repeat(9)}${row % 4}`);
  fc.assert(
    fc.property(fc.array(fc.nat({ max: ids.length - 1 }), { maxLength: 300 }), (rows) => {
      const index = indexOf(ids);
      const there = new Set<number>();
      for (const row of rows) {
        const id = ids[row] ?? '';
        if (there.delete(row)) index.delete(id);
        else index.add(id, there.add(row) && row);
        expect(index.size).toBe(there.size);
      }
      expect(ids.map((id) => index.get(id))).toEqual(ids.map((_, row) => (there.has(row) ? row : undefined)));
    }),
  );
});
