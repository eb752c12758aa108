import { environment } from './environment.js';
import { holdToken } from './held-token.js';
import { ownOrigins } from './origins.js';
import { inspect, partsOf } from './problem.js';
import { type Sent, settler } from './recovery.js';
import { isRequest, isStream, type Sender } from './requests.js';
import { isToken } from './token.js';
import type { Held, SessionClient, SessionClientOptions } from './types.js';
import { openVault } from './vault.js';

/**
 * The session of a browser tab or an app: keeps the token, sends it to your server, takes new
 * ones, and keeps all tabs in step.
 *
 * @example
 * ```ts
 * const session = createSessionClient();
 * const trpc = createTRPCClient<AppRouter>({
 *   links: [trpcSessionLink(session), httpBatchLink({ url: '/trpc', fetch: session.fetch })],
 * });
 * await session.set((await trpc.login.mutate(credentials)).token);
 * ```
 *
 * @throws `TypeError` for missing `origins` where there is no `location`
 */
export function createSessionClient(options: SessionClientOptions = {}): SessionClient {
  // All in one function: minifiers shorten the names that its parts share, and the client must fit
  // in 3 kB.
  const {
    storage = 'local',
    key = 'token-session',
    header: { request: requestHeader = 'authorization', response: responseHeader = 'session-token' } = {},
    origins = environment.location && [environment.location.origin],
  } = options;
  const usesCookie = storage === 'cookie';
  const vault = openVault(key, storage);
  // Browser code may also run on a server. There it has no session.
  const isOwn = vault.isServer ? () => false : ownOrigins(origins);
  const held = holdToken(vault, `${key} ${storage}`, usesCookie);
  const settle = settler(held, usesCookie, (need) => options.onStepUp?.(need));
  /** The request behind each answer, for errors that clients make from answers. */
  const answered = new WeakMap<object, Sent>();
  const isBearer = /^authorization$/i.test(requestHeader);
  const carry = (token: Held): Record<string, string> =>
    token && !usesCookie ? { [requestHeader]: isBearer ? `Bearer ${token}` : token } : {};
  /** Looked up for each request, because tests and tracing replace the platform's `fetch`. */
  const sender = (): Sender['fetch'] => options.fetch ?? fetch;
  const newest = async (): Promise<Held> => {
    await held.ready;
    return held.newest();
  };

  return {
    async set(token) {
      // The mark of a cookie, which scripts cannot see. Each mark is different, so that tabs
      // notice a new cookie.
      const value = usesCookie ? `cookie.${Math.random()}` : token;
      if (!isToken(value) || vault.isServer) throw new TypeError('no token');
      await held.choose(value);
    },
    clear: () => held.choose(null),
    token: async () => (!usesCookie && (await newest())) || null,
    getSnapshot: held.getSnapshot,
    subscribe: held.subscribe,
    async fetch(input, init = {}) {
      const request = isRequest(input) ? input : undefined;
      const headers = new Headers(init.headers ?? request?.headers);
      // Credentials that the caller has set are not the session's.
      const isChosen = usesCookie ? (init.credentials ?? request?.credentials) === 'omit' : headers.has(requestHeader);
      if (!isOwn(request?.url ?? `${input}`) || isChosen) return sender()(input, init);
      const attempt = async (to: typeof input, spare?: typeof input): Promise<Response> => {
        const current = await newest();
        const response = await sender()(to, {
          ...init,
          headers: { ...Object.fromEntries(headers), ...carry(current) },
          ...(usesCookie && { credentials: init.credentials ?? 'include' }),
          // Redirects take headers to other origins. Platforms remove only `authorization`.
          redirect: isBearer ? init.redirect : 'error',
        });
        // After a redirect, the answer of another origin says nothing about the session.
        const isOthers = response.url && !isOwn(response.url);
        const token = isOthers ? '' : current;
        const sent = { token, isOld: held.newest() !== token, isLast: isOthers || !spare };
        answered.set(response, sent);
        const given = !usesCookie && response.headers.get(responseHeader);
        if (isToken(given)) held.replace(token, given);
        const again = await settle(inspect(response), sent);
        // An empty header means that the session has ended.
        if (given === '') held.replace(token, null);
        return again && spare && !isStream(init.body) ? attempt(spare) : response;
      };
      return attempt(input, request?.clone() ?? input);
    },
    connectionParams: async () => carry(await newest()),
    // The links of this package pass `isLast` if they have repeated the request already.
    async recover(error, sent, isLast?: boolean) {
      const now = await newest();
      const token = usesCookie ? now : sent;
      const earlier = partsOf(error)
        .map((part) => answered.get(part))
        .find(Boolean);
      return settle(inspect(error), { token, isOld: token !== now, ...earlier, isLast: earlier?.isLast || isLast });
    },
  };
}
