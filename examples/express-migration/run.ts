import { createServer, type RequestListener } from 'node:http';
import type { SessionStore } from 'token-sessions';
import type { CallbackStore } from 'token-sessions/express-store';
import { createTranscript } from '../demo/transcript.js';
import { after } from './after.js';
import { before } from './before.js';

const KEY = 'X-AUTH_TOKEN';

/**
 * Runs the old application, then the new one in its place. Returns whether every client stayed
 * logged in.
 */
export async function runMigration(
  oldStore: CallbackStore,
  store: SessionStore,
  print: (line: string) => void,
): Promise<boolean> {
  try {
    await story(oldStore, store, print);
    return true;
  } catch (error) {
    print(`The example failed: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

async function story(oldStore: CallbackStore, store: SessionStore, print: (line: string) => void): Promise<void> {
  const { step, check } = createTranscript(print);
  const tokens = await serve(before(oldStore), async (url) => {
    const ask = asker(url, print);
    step('Before: the old application. Two clients log in, and one of them comes back');
    const [busy, idle] = [(await ask('POST /login')).text, (await ask('POST /login')).text];
    check('the client is welcome', (await ask('GET /', busy)).text.startsWith('welcome'));
    check('its visits count', (await ask('GET /', busy)).text === 'views: 1');
    return { busy, idle };
  });

  await serve(after(oldStore, store), async (url) => {
    const ask = asker(url, print);
    step('After: the new application takes over. The client still has its old token');
    const first = await ask('GET /', tokens.busy);
    check('its count continues', first.text === 'views: 2');
    check('the answer carries a new token', first.token?.startsWith('ts_') === true);

    step('That answer is lost, so the client sends two parallel requests with the old token');
    const answers = await Promise.all([ask('GET /', tokens.busy), ask('GET /', tokens.busy)]);
    check(
      'both are served',
      answers.every(({ status }) => status === 200),
    );
    check(
      'both carry the same new token',
      answers.every(({ token }) => token === first.token),
    );

    step('The client uses the new token');
    const next = await ask('GET /', first.token);
    check('the session is the same', Number(next.text.replace('views: ', '')) > 3);
    check('there is no further token', next.token === null);

    step('The client logs out');
    await ask('POST /logout', first.token);
    check('the new token is refused', (await ask('GET /', first.token)).status === 401);
    check('the old token is refused', (await ask('GET /', tokens.busy)).status === 401);

    step('The other client comes back for the first time, only to log out');
    await ask('POST /logout', tokens.idle);
    check('its token is refused', (await ask('GET /', tokens.idle)).status === 401);
    check('a token that never existed is refused', (await ask('GET /', 'x'.repeat(40))).status === 401);
  });
}

/** Serves the application for as long as `use` takes. */
async function serve<Result>(application: RequestListener, use: (url: string) => Promise<Result>): Promise<Result> {
  const server = createServer(application);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  try {
    return await use(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Sends a request such as `GET /`, and prints it with its answer. */
function asker(url: string, print: (line: string) => void) {
  return async (request: string, token?: string | null) => {
    const [method = 'GET', path = '/'] = request.split(' ');
    const response = await fetch(`${url}${path}`, { method, headers: token ? { [KEY]: token } : {} });
    const text = await response.text();
    const given = response.headers.get(KEY);
    print(`   > ${request}${token ? `    ${KEY}: ${short(token)}` : ''}`);
    print(
      `   < ${response.status} ${path === '/login' ? short(text) : text}${given ? `    ${KEY}: ${short(given)}` : ''}`,
    );
    return { status: response.status, text, token: given };
  };
}

/** Tokens are credentials, so a transcript shows only their beginning. */
function short(token: string): string {
  return `${token.slice(0, 11)}…`;
}
