import { OPERATION, Operation, operationOf } from '../../graphql/call.js';
import { isOurs, toGraphQLError } from '../../graphql/errors.js';
import { canDefer, observeFields } from '../../graphql/fields.js';
import { inResult, isStream } from '../../graphql/results.js';
import { NO_SHAPE, shapeOf } from '../../graphql/shape.js';
import { savedStream } from '../../graphql/stream.js';
import { sessionsOf } from '../../http/context.js';
import { foreignRequest, hasRequest } from '../../http/foreign-request.js';
import { hostOf } from '../../http/host.js';
import { field, isObject } from '../../http/hosts.js';
import { combined } from '../../http/put-headers.js';
import type { OpenedRequest } from '../../http/request.js';
import type { Sessions } from '../../http/sessions.js';
import { restatingEarly } from './early.js';
import type { Answer, ContextErrorPayload, ContextPayload, SessionPlugin, StartPayload } from './hooks.js';
import { noteNodeRequest, yogaRequest } from './request.js';
import { sendHeaders } from './response.js';

/** A request that Yoga has parsed, and whose response Yoga sends. */
interface ParsedRequest {
  isBatch: boolean;
}

/** The longest time that an operation's write waits for the others of its batch, in ms. */
const LONGEST_HOLD = 1_000;

/**
 * Sessions for GraphQL Yoga, and for every server on Envelop. Puts `sessions` on the context,
 * which the application's own `context()` can use, and `session`, which is loaded after that has
 * run.
 *
 * Each operation has a draft of its own. The changes of a query are saved when a root field came
 * back or nothing failed, those of a subscription after each event. In a mutation, each root field
 * decides for its own changes. With `@defer` and `@stream`, changes in parts are saved when all
 * parts succeeded. A batch makes one write. If the session cannot be loaded or saved, the
 * operation has an error result: its resolvers do not run, and a WebSocket stays open. Put the
 * plugin before those that answer operations themselves.
 *
 * On Yoga's HTTP responses, errors set the status and `WWW-Authenticate` if nothing else came
 * back, and a response that carries a token is not cached. Elsewhere, send
 * `ctx.sessions.responseHeaders` yourself. On graphql-ws, the token comes from `connectionParams`
 * (`authorization` or `token`) or the upgrade request, and each operation looks the session up
 * again.
 *
 * @example
 * createYoga({ schema, plugins: [useSession(sessions)] });
 *
 * @throws `NOT_SUPPORTED` unless `sessions` is what a `createSessions` of this version returned
 */
export function useSession<Data, Input>(sessions: Sessions<Data, Input>): SessionPlugin {
  const host = hostOf(sessions);
  const parsed = new WeakMap<object, ParsedRequest>();
  const requests = new WeakMap<object, OpenedRequest>();
  /** Requests whose answer must stay out of caches. */
  const secret = new WeakSet<object>();
  const plugin = {};

  function requestOf(context: unknown): { readonly opened: OpenedRequest; readonly http: ParsedRequest | undefined } {
    const request = field(context, 'request');
    const http = isObject(request) ? parsed.get(request) : undefined;
    return { opened: host.open(http && isObject(request) ? yogaRequest(request) : foreignRequest(context)), http };
  }

  function open({ context, extendContext }: ContextPayload): Operation {
    const { opened, http } = requestOf(context);
    const request = field(context, 'request');
    if (isObject(request)) requests.set(request, opened);
    if (!http && !opened.enclosing) opened.head.expectReader(() => host.warnOnce(UNSENT));
    // An operation that a resolver runs on its own context belongs to the operation of that
    // resolver, which waits for it. So it must not wait for the batch. A sub-request that only
    // carries the context has credentials of its own.
    const around = operationOf(context);
    const outer = around?.opened === opened ? around : undefined;
    const holdMs = http?.isBatch && !outer ? LONGEST_HOLD : 0;
    const operation = new Operation({ opened, plugin, outer, exchange: http && opened, holdMs });
    extendContext({ sessions: sessionsOf<Data, Input>(operation.call), [OPERATION]: operation });
    return operation;
  }

  /** The operation of the context, if this plugin opened it. The plugin may be installed twice. */
  function own(context: unknown): Operation | undefined {
    const operation = operationOf(context);
    return operation?.plugin === plugin ? operation : undefined;
  }

  /** Whether another instance of the plugin has opened this request. */
  function isTaken(context: unknown): boolean {
    const operation = operationOf(context);
    return operation !== undefined && operation.plugin !== plugin && operation.opened === requestOf(context).opened;
  }

  /** The operation, loaded. Opens it if the context was built without this plugin's hooks. */
  async function ready(payload: ContextPayload): Promise<Operation | undefined> {
    if (isTaken(payload.context)) return undefined;
    const operation = own(payload.context) ?? open(payload);
    const isFirst = !operation.hasBegun;
    const session = await operation.begin();
    if (isFirst) payload.extendContext({ session });
    return operation;
  }

  function keepFromCaches({ request, response: { headers } }: Answer): void {
    if (secret.has(request))
      headers.set('cache-control', combined('cache-control', 'no-store', headers.get('cache-control')));
  }

  /** The operation to execute. `undefined` if the context belongs to one that already runs. */
  async function start(payload: StartPayload): Promise<Operation | undefined> {
    if (own(payload.context)?.isExecuting) return undefined;
    const operation = await ready(payload);
    if (!operation || refuse(operation, payload)) return undefined;
    const { document, operationName, schema, fieldResolver } = payload.args ?? {};
    const shape = document && schema ? shapeOf(document, operationName, canDefer(schema)) : NO_SHAPE;
    operation.execute(shape, fieldResolver ?? undefined);
    return operation;
  }

  return {
    onPluginInit({ registerContextErrorHandler, plugins }) {
      registerContextErrorHandler(restateContextError);
      // The last plugin, as others may set the header too.
      plugins.push({ onResponse: keepFromCaches });
    },
    onSchemaChange: ({ schema }) => observeFields(schema),
    onEnveloped(payload) {
      // If only the context factory gets the request, the operation opens when the context is
      // built.
      if (!hasRequest(payload.context)) return;
      if (!isTaken(payload.context)) open(payload);
    },
    onParse: ({ context }) => {
      return ({ result }) => {
        if (result instanceof Error) void own(context)?.abandon();
      };
    },
    onValidate: ({ context }) => {
      return ({ valid }) => {
        if (!valid) void own(context)?.abandon();
      };
    },
    async onContextBuilding(payload) {
      const operation = await ready(payload);
      // Now, before other plugins treat the request as anonymous. Elsewhere the operation is
      // refused later, because an error here would close a WebSocket.
      if (operation?.exchange) operation.assertLoaded();
    },
    async onExecute(payload) {
      const operation = await start(payload);
      if (!operation) return undefined;
      // Yoga masks errors after its plugins. Elsewhere, a plugin that masks may come before this
      // one.
      if (payload.executeFn && !operation.exchange) payload.setExecuteFn?.(restatingEarly(payload.executeFn));
      return {
        onExecuteDone: async ({ result, setResult }) =>
          setResult(isStream(result) ? savedStream(result, operation, 'parts') : await operation.finish(result)),
      };
    },
    async onSubscribe(payload) {
      const operation = await start(payload);
      if (!operation) return undefined;
      if (payload.subscribeFn && !operation.exchange) payload.setSubscribeFn?.(restatingEarly(payload.subscribeFn));
      return {
        onSubscribeResult({ result, setResult }) {
          // Not a stream: the subscription failed to start.
          if (!isStream(result)) operation.end();
          setResult(
            isStream(result)
              ? savedStream(result, operation, 'events')
              : inResult(result, NO_SHAPE, operation.exchange),
          );
        },
      };
    },
    onRequestParse({ request, serverContext }) {
      noteNodeRequest(request, serverContext);
      const http: ParsedRequest = { isBatch: false };
      parsed.set(request, http);
      return {
        onRequestParseDone({ requestParserResult }) {
          http.isBatch = Array.isArray(requestParserResult);
        },
      };
    },
    // A batch must not wait for operations that were refused, or answered without running.
    onExecutionResult: ({ context }) => own(context)?.abandon(),
    onResponse({ request, response }) {
      const opened = requests.get(request);
      if (!opened) return;
      requests.delete(request);
      sendHeaders(opened, response.headers);
      if (opened.head.isSecret) secret.add(request);
    },
  };
}

const UNSENT =
  'a new token or cookie is on no response: outside Yoga, send ctx.sessions.responseHeaders with the answer';

/** Puts an error of ours that the application's `context()` let through into its public form. */
function restateContextError({ context, error, setError }: ContextErrorPayload): void {
  const operation = operationOf(context);
  void operation?.abandon();
  if (isOurs(error)) setError(toGraphQLError(error, operation?.exchange));
}

function refuse(operation: Operation, { setResultAndStopExecution }: StartPayload): boolean {
  const { refusal } = operation;
  if (!refusal) return false;
  operation.end();
  setResultAndStopExecution(refusal);
  return true;
}
