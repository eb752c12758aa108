import { whenCollected } from '../../core/session/unsaved.js';
import type { Session, SessionContext } from '../../core/types.js';
import { OPERATION, Operation } from '../../graphql/call.js';
import { toGraphQLError } from '../../graphql/errors.js';
import { sessionsOf, typed } from '../../http/context.js';
import { publicError } from '../../http/errors.js';
import { foreignRequest } from '../../http/foreign-request.js';
import type { HeadersLike } from '../../http/header-reader.js';
import type { Host } from '../../http/host.js';
import { field } from '../../http/hosts.js';
import type { OpenedRequest } from '../../http/request.js';

/** A request: Node's, a framework's, or a Fetch `Request`. Headers alone will do. */
export interface RequestLike {
  /** A Fetch `Headers`, or a record as in Node. */
  readonly headers: HeadersLike;
  /** Cookies need it to know which requests are safe. */
  readonly method?: string | undefined;
  /** The path, or the whole URL. Cookies need it to recognise your own origin. */
  readonly url?: string | undefined;
}

/** The context of graphql-ws. */
export interface SocketLike {
  /** The parameters that the client sent when it connected: `authorization` or `token`. */
  readonly connectionParams?: Readonly<Record<string, unknown>> | undefined;
  /** The server's data about the connection, with its upgrade request. */
  readonly extra?: unknown;
}

/** The argument that integrations pass to the option `context`. */
export type ContextSource =
  | { readonly req: RequestLike; readonly res?: object | undefined }
  | { readonly request: RequestLike }
  | RequestLike
  | SocketLike;

/** The plugins that a server has started. */
export const installed = new WeakSet<object>();

const NOT_INSTALLED =
  'operations ran without the plugin of apolloSessions, so nothing was saved, and no cookie was set: ' +
  'add it to the option plugins of ApolloServer';

/**
 * The context of an operation. Over HTTP, the operation has a call of its own, whose outcome the
 * plugin reports.
 *
 * @throws `GraphQLError` when the session cannot be loaded
 */
export async function contextFrom<Data, Input>(
  host: Host,
  plugin: object,
  from: ContextSource,
): Promise<SessionContext<Data, Input>> {
  const isAlone = ['req', 'request', 'connectionParams', 'extra'].every((name) => field(from, name) === undefined);
  const incoming = foreignRequest(isAlone ? { request: from } : from);
  const opened = host.open(incoming);
  if (incoming.persistent) return socketContext<Data, Input>(opened);
  const operation = new Operation({ opened, plugin, outer: undefined, exchange: opened, holdMs: 0 });
  // A server may start after its first context was made. So this waits until that is gone.
  if (!installed.has(plugin))
    whenCollected(operation, () => {
      if (!installed.has(plugin)) host.warnOnce(NOT_INSTALLED);
    });
  const session = await operation.begin();
  assertLoaded(operation);
  return Object.assign(contextOf<Data, Input>(operation, session), { [OPERATION]: operation });
}

export function contextOf<Data, Input>(
  { call }: Operation,
  session: Session<unknown> | null,
): SessionContext<Data, Input> {
  return { session: typed<Data>(session), sessions: sessionsOf<Data, Input>(call) };
}

/** @throws `GraphQLError` with the status of the error that prevented the load of the session */
export function assertLoaded(operation: Operation): void {
  try {
    operation.assertLoaded();
  } catch (error) {
    const restated = toGraphQLError(error);
    restated.extensions['http'] = { status: publicError(error).status };
    throw restated;
  }
}

/**
 * The context of a socket. An error here would close the socket. So resolvers that use the session
 * get it instead.
 */
async function socketContext<Data, Input>(opened: OpenedRequest): Promise<SessionContext<Data, Input>> {
  const call = opened.open({ hasOutcome: false });
  const sessions = sessionsOf<Data, Input>(call);
  try {
    return { session: typed<Data>(await call.admit()), sessions };
  } catch (error) {
    return {
      get session(): never {
        throw toGraphQLError(error);
      },
      sessions,
    };
  }
}
