type Body = Record<string, unknown>;

const changed = (change: (body: Body) => unknown) => (text: string) => {
  const body: Body = JSON.parse(text);
  return JSON.stringify(change(body) ?? body);
};
const without = (field: string) => changed(({ [field]: _, ...rest }) => rest);
const withField = (field: string, value: unknown) => changed((body) => ({ ...body, [field]: value }));

/**
 * Damages that a person or another program may do to a record's body: bad JSON, missing fields,
 * wrong types.
 */
export const BROKEN_BODIES: Readonly<Record<string, (body: string) => string>> = {
  'no JSON': () => 'no JSON {',
  'cut off': (body) => body.slice(0, body.length / 2),
  empty: () => '',
  null: () => 'null',
  'a list': () => '[]',
  'an empty object': () => '{}',
  'no times': without('a'),
  'no data': without('d'),
  'no hash': without('k'),
  'another format': withField('v', 2),
  'a time that is text': withField('l', 'yesterday'),
  'a predecessor of another shape': withField('o', [1, 2]),
  'data that is a number': withField('d', 7),
  'data with fields of other types': withField('d', { owner: 1, count: 'many' }),
  'data without a field': withField('d', { owner: 'ann' }),
};
