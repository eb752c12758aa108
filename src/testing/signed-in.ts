import { SessionError } from '../core/error.js';
import type { SessionContext } from '../core/types.js';
import { hostOf } from '../http/host.js';
import type { Sessions } from '../http/sessions.js';

/** The result of {@link signedIn}. */
export interface SignedIn<Data, Input = Data> {
  /** The headers that a client of the session sends. Spread them into a request. */
  readonly headers: Headers;
  /** The token, for sockets and clients of your own. */
  readonly token: string;
  /**
   * The context of a request with these headers, for `createCaller(context)` or a resolver. What
   * a guarded procedure changes is saved. Elsewhere, call `save()` or `update()`.
   */
  readonly context: SessionContext<Data, Input>;
}

/**
 * Signs a user in, for the tests of an application. Creates a session, and the headers by which
 * the first of your `sources` finds it. Needs only `sessions`.
 *
 * @example
 * const { headers } = await signedIn(sessions, { userId: 'ada' });
 * const response = await app.request('/me', { headers });
 *
 * @throws what `sessions.create` throws · `NOT_SUPPORTED` if no source is `bearer()`, `header()`
 *   or `cookie()`
 */
export async function signedIn<Data, Input>(
  sessions: Sessions<Data, Input>,
  data: Input,
): Promise<SignedIn<Data, Input>> {
  const { sourceNames } = hostOf(sessions);
  const { token, id } = await sessions.create(data);
  for (const name of sourceNames) {
    const headers = new Headers([headerFor(name, token)]);
    const context = await sessions.fromHeaders(headers);
    if (context.session?.id === id) return { headers, token, context };
  }
  await sessions.destroy(id);
  throw new SessionError(
    'NOT_SUPPORTED',
    'signedIn() requires one of the sources bearer(), header() and cookie(): send the token yourself',
  );
}

/** The header from which a source of this name reads the token. */
function headerFor(source: string, token: string): [name: string, value: string] {
  const [, kind, name = ''] = /^(header|cookie) (.+)$/.exec(source) ?? [];
  if (kind === 'cookie') return ['cookie', `${name}=${token}`];
  return kind === 'header' ? [name, token] : ['authorization', `Bearer ${token}`];
}
