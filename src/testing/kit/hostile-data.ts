import type { JsonValue } from '../../core/data/json.js';

/** Data that is difficult for encodings, databases and merging by name. */
export const HOSTILE_DATA: readonly JsonValue[] = [
  null,
  false,
  0,
  '',
  [],
  {},
  -0,
  1e308,
  5e-324,
  [[[]], [{}], ''],
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\udfff and \ud83d',
  '\u2028\u2029\u0085\ufeff',
  'Grüße, 世界, 🎉, 👩‍👩‍👧',
  'é is not é',
  '"quotes\' and \\backslashes\\\\ and /slashes/',
  '\t\r\n\b\f\v\u001b\u007f',
  "$1 $$ %s %d ? :name @x {{x}} $\u007bx} -- ; ' or 1=1",
  '</script><!-- ]]> &amp;',
  { '': '', ' ': ' ', a: { b: [1, 2, { c: null }] }, 'a.b': 1, '1': 'one', 'k"e\\y\u0000': 1 },
  JSON.parse(
    '{"__proto__":{"admin":true},"constructor":{"prototype":1},"toString":1,"id":"x","version":"y","expiresAt":0}',
  ),
];
