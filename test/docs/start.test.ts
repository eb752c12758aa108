import { readFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from '../../scripts/packed.js';
import { listenInTest } from '../support/http.js';
import { blocksOf } from './blocks.js';
import { type BlockProject, writeBlocks } from './project.js';

const PAGE = 'docs/start.md';
const page = await readFile(join(ROOT, PAGE), 'utf8');
let project: BlockProject;

beforeAll(async () => {
  project = await writeBlocks([PAGE]);
});

afterAll(() => project.remove());

test('the requests of docs/start.md log in, and get the answer that the page shows', async () => {
  const { server }: { server: Server } = await import(project.file(PAGE, 'router.ts'));
  const { url } = await listenInTest((req, res) => server.emit('request', req, res));
  const [login = '', me = ''] = blocksOf(page)
    .flatMap(({ text }) => text.split('\n'))
    .filter((line) => line.startsWith('curl '))
    .map((command) => command.replace('http://localhost:3000', url));

  const { token } = JSON.parse(await curl(login)).result.data;
  expect(page).toContain(`\`${await curl(me.replace('ts_…', token))}\``);
  expect(JSON.parse(await curl(me.replace('ts_…', ''))).error.data.httpStatus).toBe(401);
});

/** Does what the command does, as curl is not installed everywhere. */
async function curl(command: string): Promise<string> {
  const [, url = '', ...options] = [...command.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2]);
  const valuesOf = (name: string) => options.flatMap((option, at) => (option === name ? [options[at + 1] ?? ''] : []));
  const headers = valuesOf('-H').map((line) => line.split(': ') as [string, string]);
  const [body] = valuesOf('-d');
  const response = await fetch(url, { headers, ...(body !== undefined && { method: 'POST', body }) });
  return response.text();
}
