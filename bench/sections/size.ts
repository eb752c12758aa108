import { measure, TARGET } from '../../scripts/size.ts';
import type { Section } from '../report/section.ts';
import { whole } from '../report/table.ts';

/** The code that an application with the tRPC adapter loads. */
export async function sizeSection(): Promise<Section> {
  const { total, withoutUuid } = await measure();
  return {
    title: 'Size',
    how: 'Core, HTTP layer, memory store and tRPC adapter with all that they import but the peers; esbuild, minified and gzipped.',
    checks: [{ what: 'size in kB', reach: TARGET / 1_000, seen: total / 1_000 }],
    tables: [
      {
        columns: ['', 'bytes'],
        rows: [
          ['everything', whole(total)],
          ['without uuid', whole(withoutUuid)],
        ],
      },
    ],
  };
}
