import { deepStrictEqual, match } from 'node:assert';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { blocksOf } from '../../test/docs/blocks.js';
import { installPacked, linkPackages, type Packed, ROOT } from '../packed.js';
import type { FormBrowser, Step } from './forms.js';

/*
 * The application that docs/hosts/next.md shows, as a reader would have it.
 */

const LAYOUT = `
import type { ReactNode } from 'react';

export default function Layout({ children }: { children: ReactNode }) {
  return <html><body>{children}</body></html>;
}
`;

/** Turbopack reads no file outside its root, and the packages are links to this work tree. */
const CONFIG = "export default { devIndicators: false, turbopack: { root: '/' } };\n";

export async function makePageApp(app: string, packed: Packed): Promise<void> {
  await installPacked(app, packed);
  await linkPackages(app, ['next', 'react', 'react-dom', '@trpc/server', '@types/react', '@types/node']);
  // Next.js reads TypeScript's programming interface, which version 7 does not have.
  await symlink(join(ROOT, 'node_modules/typescript5'), join(app, 'node_modules/typescript'));
  const page = await readFile(join(ROOT, 'docs/hosts/next.md'), 'utf8');
  const files = blocksOf(page).map(({ file = '', text }) => [file, text] as const);
  for (const [file, text] of [...files, ['app/layout.tsx', LAYOUT], ['next.config.mjs', CONFIG]] as const) {
    await mkdir(dirname(join(app, file)), { recursive: true });
    await writeFile(join(app, file), text);
  }
}

/** The steps of a browser without scripts. */
export const PAGE_STEPS: readonly Step<FormBrowser>[] = [
  [
    'a refusal of a route is a problem',
    async (browser) => {
      const refused = await browser.open('/api/me');
      deepStrictEqual([refused.status, (await refused.json()).code], [401, 'UNAUTHENTICATED']);
    },
  ],
  [
    'an action logs in, and the page shows the user',
    async (browser) => {
      const answer = await browser.submit('login', { name: 'ada' });
      deepStrictEqual([answer.status, answer.headers.get('location')], [303, '/']);
      match(browser.cookie ?? '', /^session=ts_/);
      deepStrictEqual(await browser.textOf('/', 'user'), 'ada');
    },
  ],
  [
    'a route finds what an action has saved, although each has a copy of the module',
    async (browser) => {
      await browser.submit('theme', { theme: 'dark' });
      deepStrictEqual(await (await browser.open('/api/me')).json(), { userId: 'ada', theme: 'dark' });
    },
  ],
  [
    'tRPC has the session in a route',
    async (browser) => {
      deepStrictEqual(await (await browser.open('/api/trpc/me')).json(), { result: { data: 'ada' } });
    },
  ],
  [
    'a logout ends the live stream, and the next page is anonymous',
    async (browser) => {
      const live = await browser.open('/live');
      await browser.submit('logout');
      deepStrictEqual(await live.text(), 'data: open\n\n');
      deepStrictEqual(browser.cookie, undefined);
      match(await (await browser.open('/')).text(), /id="login"/);
    },
  ],
];
