import { describe, expect, test } from 'vitest';
import { type Bar, toSvg } from '../../bench/report/chart.js';
import { short, tableToMarkdown, tableToText, whole } from '../../bench/report/table.js';

const table = {
  columns: ['store', 'µs', 'reach'],
  rows: [
    ['Redis', '1,234', '≤ 1.25'],
    ['memory', '7', '≤ 400'],
  ],
};

describe('the report of the bench', () => {
  test('columns of numbers stand to the right', () => {
    expect(tableToMarkdown(table).split('\n')).toEqual([
      '| store | µs | reach |',
      '| --- | ---: | ---: |',
      '| Redis | 1,234 | ≤ 1.25 |',
      '| memory | 7 | ≤ 400 |',
    ]);
    expect(tableToText(table).split('\n')).toEqual([
      'store      µs   reach',
      'Redis   1,234  ≤ 1.25',
      'memory      7   ≤ 400',
    ]);
  });

  test.each<[number, string]>([
    [0, '0'],
    [0.0042, '0.00'],
    [0.256, '0.26'],
    [1.2345, '1.23'],
    [12.345, '12.3'],
    [123.45, '123'],
    [98_765.4, '98765'],
    [-3.456, '-3.46'],
    [Number.NaN, '-'],
    [Number.POSITIVE_INFINITY, '-'],
  ])('%d is shown as %s', (value, text) => {
    expect(short(value)).toBe(text);
  });

  test('whole numbers have separators', () => {
    expect(whole(1_234_567.8)).toBe('1,234,568');
  });

  test('a bar is as long as its number, the grey part of it as what is there anyway', () => {
    const bar = (name: string, cpu: number): Bar => ({ name, cpu, bare: 50, ours: name === 'ours' });
    const svg = toSvg('CPU', [{ name: 'A & <B>', bars: [bar('bare', 50), bar('ours', 100), bar('less', 20)] }]);
    const widths = [...svg.matchAll(/<rect [^>]*width="([\d.]+)"[^>]*class="(\w+)"/g)].map(
      ([, width, kind]) => `${kind} ${width}`,
    );
    expect(widths).toEqual(['bare 210.0', 'peer 0.0', 'bare 210.0', 'ours 210.0', 'bare 84.0', 'peer 0.0']);
    expect(svg).toContain('A &#38; &#60;B&#62;');
    expect(svg).toContain('100 µs');
  });
});
