import type { SessionStore } from 'token-sessions';
import { codeOf, graphql, trpcClient } from './clients.js';
import { holdNextWrite } from './hold.js';
import type { DemoSessions } from './sessions.js';
import type { Transcript } from './transcript.js';

/** The state that the steps share: where the server is, and the client's current token. */
export interface Tour {
  readonly url: string;
  readonly sessions: DemoSessions;
  readonly store: SessionStore;
  readonly transcript: Transcript;
  token: string;
  oldToken: string;
  /** Stops the server and its connection to the store, and starts both again on another port. */
  restart(): Promise<void>;
}

type Step = (tour: Tour) => Promise<void>;

export const STEPS: readonly (readonly [title: string, step: Step])[] = [
  ['Both servers refuse a wrong token, and create nothing', wrongToken],
  ['Login through tRPC', login],
  ['GraphQL reads the same token', readByGraphql],
  ['Both servers and 50 concurrent updates increment a counter', countConcurrently],
  ['One call of a batch fails, and its changes are not saved', failInBatch],
  ['Sessions survive a restart of the server', restart],
  ['The answer with a new token is lost, and the client is not locked out', loseNewToken],
  ['A logout through GraphQL during a save is final', logoutDuringSave],
  ['Every old token is refused', refuseOldTokens],
];

async function wrongToken({ url, sessions, transcript: { fetch, check } }: Tour): Promise<void> {
  const invented = `ts_01890000-0000-7000-8000-000000000000.${'A'.repeat(43)}`;
  check('tRPC: UNAUTHORIZED', (await codeOf(trpcClient(url, invented, fetch).me.query())) === 'UNAUTHORIZED');
  const answer = await graphql(url, invented, fetch, '{ me { userId } }');
  check(
    'GraphQL: UNAUTHENTICATED, 401',
    answer.status === 401 && answer.errors?.[0]?.extensions?.code === 'UNAUTHENTICATED',
  );
  check('there is no session', (await sessions.count()) === 0);
}

async function login(tour: Tour): Promise<void> {
  const { fetch, check } = tour.transcript;
  const { login } = trpcClient(tour.url, null, fetch);
  const refused = await codeOf(login.mutate({ name: 'ada', password: 'babbage' }));
  check('a wrong password: UNAUTHORIZED', refused === 'UNAUTHORIZED');
  const { token } = await login.mutate({ name: 'ada', password: 'lovelace' });
  check('the right password: a token', token.startsWith('ts_'));
  tour.token = token;
}

async function readByGraphql({ url, token, transcript: { fetch, check } }: Tour): Promise<void> {
  const { data } = await graphql(url, token, fetch, '{ viewer { userId views } }');
  check('GraphQL reads the session of ada', JSON.stringify(data) === '{"viewer":{"userId":"ada","views":0}}');
}

async function countConcurrently({ url, token, transcript }: Tour): Promise<void> {
  const { fetch, check, note } = transcript;
  const { visit, me } = trpcClient(url, token, fetch);
  check('tRPC counts to 1', (await visit.mutate()) === 1);
  const { data } = await graphql(url, token, fetch, 'mutation { visit }');
  check('GraphQL counts to 2', data?.['visit'] === 2);

  note('… 25 requests through tRPC and 25 through GraphQL in parallel …');
  transcript.quiet = true;
  const viaGraphql = async () => (await graphql(url, token, fetch, 'mutation { visit }')).data?.['visit'];
  const counts = await Promise.all(Array.from({ length: 25 }, () => [visit.mutate(), viaGraphql()]).flat());
  transcript.quiet = false;
  check(
    'the answers were 3 to 52, each once',
    new Set(counts).size === 50 && counts.every((count) => Number(count) > 2),
  );
  check('all 52 requests were counted', (await me.query()).views === 52);
}

async function failInBatch({ url, token, transcript }: Tour): Promise<void> {
  const { fetch, check } = transcript;
  const before = transcript.requests;
  const { setTheme, upgrade } = trpcClient(url, token, fetch, { batch: true });
  const [, failure] = await Promise.all([setTheme.mutate('dark'), codeOf(upgrade.mutate())]);
  check(
    'both calls were in one request, and the second failed',
    transcript.requests === before + 1 && failure === 'FORBIDDEN',
  );
  const { theme, plan } = await trpcClient(url, token, fetch).me.query();
  check('the change of the first call is saved', theme === 'dark');
  check('the change of the failed call is not saved', plan === 'free');
}

async function restart(tour: Tour): Promise<void> {
  const before = tour.url;
  await tour.restart();
  const { url, token, transcript } = tour;
  const { fetch, check } = transcript;
  check(`the server is at ${url} now`, url !== before);
  const { data } = await graphql(url, token, fetch, '{ me { userId views theme } }');
  check(
    'the token and its session are unchanged',
    JSON.stringify(data) === '{"me":{"userId":"ada","views":52,"theme":"dark"}}',
  );
}

async function loseNewToken(tour: Tour): Promise<void> {
  const { url, transcript } = tour;
  const { fetch, check, note } = transcript;
  let lost = '';
  const broken: typeof fetch = async (...request) => {
    const response = await fetch(...request);
    lost = (await response.json()).result.data.token;
    throw new TypeError('the connection broke');
  };
  const failure = await codeOf(trpcClient(url, tour.token, broken).renewToken.mutate());
  check('the client never sees the answer', failure === 'the connection broke' && lost !== '');

  const { me, renewToken } = trpcClient(url, tour.token, fetch);
  check('its token still works', (await me.query()).userId === 'ada');
  const { token } = await renewToken.mutate();
  check('the client asks again, and gets the same new token', token !== tour.token && token === lost);
  const { data } = await graphql(url, token, fetch, '{ me { views } }');
  check('the new token opens the same session', JSON.stringify(data) === '{"me":{"views":52}}');
  note('After the first use of the new token, the old one still works for ten seconds, for requests on their way.');
  Object.assign(tour, { token, oldToken: tour.token });
}

async function logoutDuringSave({
  url,
  token,
  sessions,
  store,
  transcript: { fetch, check, note },
}: Tour): Promise<void> {
  let gone = 0;
  const off = sessions.on('gone', () => {
    gone += 1;
  });
  const write = holdNextWrite(store);
  const save = codeOf(trpcClient(url, token, fetch).setTheme.mutate('light'));
  await Promise.race([write.reached, save]);
  note('(setTheme has changed the session, and its write is on the way to the store)');
  const { data } = await graphql(url, token, fetch, 'mutation { logout }');
  check('the logout is answered first', data?.['logout'] === true);
  write.release();
  await save;
  off();
  check('the save found that the session had ended, and wrote nothing', gone === 1);
  check('there is no session', (await sessions.count()) === 0);
}

async function refuseOldTokens({ url, token, oldToken, transcript: { fetch, check } }: Tour): Promise<void> {
  check('tRPC refuses the last token', (await codeOf(trpcClient(url, token, fetch).me.query())) === 'UNAUTHORIZED');
  check(
    'tRPC refuses the token before it',
    (await codeOf(trpcClient(url, oldToken, fetch).me.query())) === 'UNAUTHORIZED',
  );
  const { status } = await graphql(url, token, fetch, '{ me { userId } }');
  check('GraphQL refuses the last token', status === 401);
}
