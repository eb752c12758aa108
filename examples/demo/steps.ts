import type { SessionStore } from 'token-sessions';
import { codeOf, graphql, trpcClient } from './clients.js';
import { holdNextWrite } from './hold.js';
import type { DemoSessions } from './sessions.js';
import type { Transcript } from './transcript.js';

/** What the steps share: where the server is, and the token that the client has by now. */
export interface Tour {
  readonly url: string;
  readonly sessions: DemoSessions;
  readonly store: SessionStore;
  readonly transcript: Transcript;
  token: string;
  oldToken: string;
  /** Stops the server and its connection to the store, and starts both anew, elsewhere. */
  restart(): Promise<void>;
}

type Step = (tour: Tour) => Promise<void>;

export const STEPS: readonly (readonly [title: string, step: Step])[] = [
  ['A wrong token is refused by both, and creates nothing', wrongToken],
  ['Login through tRPC', login],
  ['The same token, read by GraphQL', readByGraphql],
  ['A counter, bumped from both sides and by 50 concurrent updates', countConcurrently],
  ['A batch in which one call fails: nothing of that call is saved', failInBatch],
  ['The server is restarted: sessions survive it', restart],
  ['A new token whose answer is lost: nobody is locked out', loseNewToken],
  ['Logout through GraphQL while a save is under way: it stays logged out', logoutDuringSave],
  ['Every old token is refused', refuseOldTokens],
];

async function wrongToken({ url, sessions, transcript: { fetch, check } }: Tour): Promise<void> {
  const invented = `ts_01890000-0000-7000-8000-000000000000.${'A'.repeat(43)}`;
  check('tRPC: UNAUTHORIZED', (await codeOf(trpcClient(url, invented, fetch).me.query())) === 'UNAUTHORIZED');
  const answer = await graphql(url, invented, fetch, '{ me { userId } }');
  check('GraphQL: UNAUTHENTICATED, 401', answer.status === 401 && answer.errors?.[0]?.extensions?.code === 'UNAUTHENTICATED');
  check('there is no session', (await sessions.count()) === 0);
}

async function login(tour: Tour): Promise<void> {
  const { fetch, check } = tour.transcript;
  const { login } = trpcClient(tour.url, null, fetch);
  const refused = await codeOf(login.mutate({ name: 'ada', password: 'babbage' }));
  check('a wrong password: UNAUTHORIZED', refused === 'UNAUTHORIZED');
  const { token } = await login.mutate({ name: 'ada', password: 'lovelace' });
  check('the right one: a token', token.startsWith('ts_'));
  tour.token = token;
}

async function readByGraphql({ url, token, transcript: { fetch, check } }: Tour): Promise<void> {
  const { data } = await graphql(url, token, fetch, '{ viewer { userId views } }');
  check('GraphQL knows ada', JSON.stringify(data) === '{"viewer":{"userId":"ada","views":0}}');
}

async function countConcurrently({ url, token, transcript }: Tour): Promise<void> {
  const { fetch, check, note } = transcript;
  const { visit, me } = trpcClient(url, token, fetch);
  check('tRPC counts to 1', (await visit.mutate()) === 1);
  const { data } = await graphql(url, token, fetch, 'mutation { visit }');
  check('GraphQL counts to 2', data?.['visit'] === 2);

  note('… 25 requests through tRPC and 25 through GraphQL at once …');
  transcript.quiet = true;
  const viaGraphql = async () => (await graphql(url, token, fetch, 'mutation { visit }')).data?.['visit'];
  const counts = await Promise.all(Array.from({ length: 25 }, () => [visit.mutate(), viaGraphql()]).flat());
  transcript.quiet = false;
  check('they answered 3 to 52, each count once', new Set(counts).size === 50 && counts.every((count) => Number(count) > 2));
  check('all 52 were counted', (await me.query()).views === 52);
}

async function failInBatch({ url, token, transcript }: Tour): Promise<void> {
  const { fetch, check } = transcript;
  const before = transcript.requests;
  const { setTheme, upgrade } = trpcClient(url, token, fetch, { batch: true });
  const [, failure] = await Promise.all([setTheme.mutate('dark'), codeOf(upgrade.mutate())]);
  check('one request, in which the second call failed', transcript.requests === before + 1 && failure === 'FORBIDDEN');
  const { theme, plan } = await trpcClient(url, token, fetch).me.query();
  check('what the first call changed is saved', theme === 'dark');
  check('what the failed call changed is not', plan === 'free');
}

async function restart(tour: Tour): Promise<void> {
  const before = tour.url;
  await tour.restart();
  const { url, token, transcript } = tour;
  const { fetch, check } = transcript;
  check(`it is at ${url} now`, url !== before);
  const { data } = await graphql(url, token, fetch, '{ me { userId views theme } }');
  check(
    'the token, and all that it stands for, is as it was',
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
  check('it asks again, and gets the same new token', token !== tour.token && token === lost);
  const { data } = await graphql(url, token, fetch, '{ me { views } }');
  check('the new one opens the same session', JSON.stringify(data) === '{"me":{"views":52}}');
  note('From its first use on, the old one has ten seconds left, for requests that were under way.');
  Object.assign(tour, { token, oldToken: tour.token });
}

async function logoutDuringSave({ url, token, sessions, store, transcript: { fetch, check, note } }: Tour): Promise<void> {
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
  check('the save found the session ended, and wrote nothing', gone === 1);
  check('there is no session', (await sessions.count()) === 0);
}

async function refuseOldTokens({ url, token, oldToken, transcript: { fetch, check } }: Tour): Promise<void> {
  check('tRPC refuses the last token', (await codeOf(trpcClient(url, token, fetch).me.query())) === 'UNAUTHORIZED');
  check('and the one before it', (await codeOf(trpcClient(url, oldToken, fetch).me.query())) === 'UNAUTHORIZED');
  const { status } = await graphql(url, token, fetch, '{ me { userId } }');
  check('GraphQL does as well', status === 401);
}
