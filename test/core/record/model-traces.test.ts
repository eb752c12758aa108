import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BUGS } from './support/bugs.js';
import { MACHINE, type Machine } from './support/histories.js';
import { replay } from './support/replay.js';

const folder = new URL('../../../model/', import.meta.url);
const [head, ...blocks] = readFileSync(new URL('traces.txt', folder), 'utf8').trimEnd().split('\ntrace ');
const traces = blocks.map((block) => {
  const [name = '', ...events] = block.split('\n');
  return { name, events };
});

function failures(machine: Machine): number {
  return traces.filter(({ events }) => {
    try {
      replay(events, machine);
      return false;
    } catch {
      return true;
    }
  }).length;
}

describe('traces of the model, replayed', () => {
  test('the traces belong to the current model: `npm run model -- --traces` writes them', () => {
    const model = readFileSync(new URL('rotation.pml', folder), 'utf8').replaceAll('\r', '');
    expect(head).toBe(`model ${createHash('sha256').update(model).digest('hex').slice(0, 16)}`);
    expect(traces.length).toBeGreaterThan(20);
  });

  test.each(traces)('rules 21, 22, 23: the code does what the model does: $name', ({ events }) => {
    replay(events, MACHINE);
  });

  // The model leaves these times out, so bugs planted in them cannot show here.
  const invisible = [
    'a replaced token has the freshness of its successor',
    'a renewal is lost',
    'the family of the session never changes',
  ];
  test.each(Object.entries(BUGS).filter(([name]) => !invisible.includes(name)))(
    'the traces find a planted bug: %s',
    (_name, machine) => {
      expect(failures(machine)).toBeGreaterThan(0);
    },
  );
});
