import { deepStrictEqual, match, strictEqual } from 'node:assert';
import type { Check } from './check.js';
import { ADA } from './data.js';
import { readEvents } from './sse.js';

/** The answers that clients get from the application in `app.ts`, over real connections. */
export function httpChecks(url: string): Check[] {
  const send = (path: string, token = '', signal: AbortSignal | null = null): Promise<Response> =>
    fetch(url + path, { headers: token === '' ? {} : { authorization: `Bearer ${token}` }, signal });
  const login = async (): Promise<string> => (await send('/login')).json();

  /** A request whose client leaves after so long, and does not care for the answer. */
  const leave = async (path: string, token: string, ms: number): Promise<void> => {
    await send(path, token, AbortSignal.timeout(ms)).then(
      (response) => response.body?.cancel(),
      () => undefined,
    );
  };

  const runs: Record<string, () => Promise<void>> = {
    'login, read, change and logout': async () => {
      const token = await login();
      strictEqual((await send('/visit', token)).status, 200);
      strictEqual((await send('/fail', token)).status, 500);
      deepStrictEqual(await (await send('/me', token)).json(), { ...ADA, views: 1 });
      strictEqual((await send('/logout', token)).status, 200);
      strictEqual(await (await send('/me', token)).json(), null);
      strictEqual((await send('/visit', token)).status, 401);
    },
    'of 20 requests at once each counts': async () => {
      const token = await login();
      const answers = await Promise.all(Array.from({ length: 20 }, () => send('/visit', token)));
      deepStrictEqual([...new Set(answers.map(({ status }) => status))], [200]);
      deepStrictEqual(await (await send('/me', token)).json(), { ...ADA, views: 20 });
    },
    'clients that leave hold up no one': async () => {
      const token = await login();
      await Promise.all(Array.from({ length: 20 }, (_, index) => leave('/visit', token, 1 + index)));
      strictEqual((await send('/visit', token)).status, 200);
    },
    'a live stream ends when another request logs out': async () => {
      const token = await login();
      const text = await readEvents(await send('/live', token), 'open', () => send('/logout', token));
      match(text, /data: ended/);
    },
    'a store that hangs is an outage for each request, also after a client has left': async () => {
      const token = await login();
      try {
        for (const verb of ['find', 'replace']) {
          await send(`/outage/${verb}`);
          await leave('/visit', token, 200);
          const answers = await Promise.all([send('/visit', token), send('/visit', token)]);
          deepStrictEqual(
            answers.map(({ status }) => status),
            [503, 503],
          );
        }
      } finally {
        await send('/outage/none');
      }
      strictEqual((await send('/visit', token)).status, 200);
    },
  };
  return Object.entries(runs).map(([title, run]) => ({ suite: 'HTTP', title, run }));
}
