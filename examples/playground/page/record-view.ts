import type { StoredRecord } from '../server/messages.js';
import { element } from './dom.js';

/** The fields of a record's body that the page explains; the others are shown together. */
const MEANINGS: Readonly<Record<string, string>> = {
  k: 'hash of the token',
  n: 'of the next token',
  o: 'of the old one, 10 s',
  d: 'data',
};

/** A record: each field of its body as it is stored. */
export function recordView(record: StoredRecord, isChanged: boolean): HTMLElement {
  const body: Record<string, unknown> = JSON.parse(record.body);
  const title = element('h4', '', record.device, ' ', element('code', 'quiet', record.id));
  const rows = Object.entries(MEANINGS).flatMap(([key, meaning]) =>
    key in body ? [row(key, meaning, body[key])] : [],
  );
  const others = Object.entries(body).filter(([key]) => !(key in MEANINGS));
  const rest = others.map(([key, value]) => element('span', '', `${key} ${JSON.stringify(value)}`));
  const fields = element(
    'dl',
    '',
    ...rows,
    element('div', 'rest', element('dt', '', 'format, times'), element('dd', '', ...rest)),
  );
  return element('article', isChanged ? 'changed' : '', title, fields);
}

function row(key: string, meaning: string, value: unknown): HTMLElement {
  return element(
    'div',
    `field-${key}`,
    element('dt', '', element('b', '', key), ` ${meaning}`),
    element('dd', '', JSON.stringify(value)),
  );
}
