import { expect, test } from 'vitest';
import { hostOf } from '../../src/http/host.js';
import { cookie, createSessions } from '../../src/index.js';

const upgrade = { host: 'app.example.com', upgrade: 'websocket', origin: 'https://evil.example.org' };

async function open(headers: Record<string, string>, connectionParams: Record<string, string>) {
  const sessions = createSessions<{ userId: string }>({ sources: [cookie('session', { secure: false })] });
  const { token } = await sessions.create({ userId: 'ann' });
  const bind = (text: string) => text.replace('TOKEN', token);
  const filled = (record: Record<string, string>) =>
    Object.fromEntries(Object.entries(record).map(([name, value]) => [name, bind(value)]));
  const request = {
    key: undefined,
    headers: filled(headers),
    connectionParams: filled(connectionParams),
    persistent: true,
  };
  const opened = hostOf(sessions).open({ ...request, details: { method: 'GET' }, target: { kind: 'none' } });
  return opened.open({ hasOutcome: false }).sessions.load();
}

test('rule 25: a page of another site cannot pose as the application’s own through connection parameters', async () => {
  const cookies = { ...upgrade, cookie: 'session=TOKEN' };
  expect(await open({ ...cookies, origin: 'https://app.example.com' }, {})).not.toBeNull();
  expect(await open(cookies, {})).toBeNull();
  const forged: Record<string, string>[] = [
    { origin: 'https://app.example.com' },
    { 'Sec-Fetch-Site': 'same-origin' },
    { host: 'evil.example.org' },
    { upgrade: '' },
  ];
  for (const params of forged) {
    expect(await open(cookies, params)).toBeNull();
  }
});

test('rule 25: a page cannot choose the cookie through connection parameters', async () => {
  expect(await open({ host: 'app.example.com', upgrade: 'websocket' }, { cookie: 'session=TOKEN' })).toBeNull();
});
