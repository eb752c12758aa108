import type { RequestHandle } from '../../core/session/request-sessions.js';
import { OPEN_REQUEST, type Sessions } from '../../http/sessions.js';
import { OPERATION, Operation, operationOf } from './call.js';
import { isOurs, toGraphQLError } from './errors.js';
import type { ContextErrorPayload, ContextPayload, SessionPlugin, StartPayload } from './hooks.js';
import { field, foreignRequest, hasRequest, isObject, noteNodeRequest, yogaRequest } from './request.js';
import { closeWithSocket, sendHeaders } from './response.js';
import { inResult, isStream } from './results.js';
import { savedStream } from './stream.js';

/** A request whose GraphQL parameters Yoga has parsed, and whose response it sends. */
interface ParsedRequest {
  isBatch: boolean;
}

/** The longest that the write of an operation waits for the others of its batch, in ms. */
const LONGEST_HOLD = 1_000;

/**
 * Sessions for GraphQL Yoga, and for every server on Envelop: `createYoga({ schema, plugins: [useSession(sessions)] })`. Puts `sessions` on
 * the context, there for the application's own `context()` already, and `session`, loaded when that has run.
 *
 * Each operation has a draft of its own. It is saved when the operation's `data` is not null, by one write for a whole batch;
 * those of `@defer` and of subscriptions with each result. A session that cannot be loaded or saved is an error result of the
 * operation: its resolvers do not run, and a WebSocket stays open. Put the plugin before those that answer operations themselves.
 *
 * On Yoga's HTTP responses errors set the status and `WWW-Authenticate`, where nothing else came back, and a response that
 * carries a token is not cached. Elsewhere send `ctx.sessions.responseHeaders` yourself. On graphql-ws the token comes from
 * `connectionParams` (`authorization` or `token`) or the upgrade request, and each operation looks the session up again.
 */
export function useSession<Data, Input>(sessions: Sessions<Data, Input>): SessionPlugin {
  const parsed = new WeakMap<object, ParsedRequest>();
  const handles = new WeakMap<object, RequestHandle<Data, Input>>();

  function open({ context, extendContext }: ContextPayload): Operation<Data, Input> {
    const request = field(context, 'request');
    const http = isObject(request) ? parsed.get(request) : undefined;
    const handle = sessions[OPEN_REQUEST](http && isObject(request) ? yogaRequest(request) : foreignRequest(context));
    if (isObject(request)) handles.set(request, handle);
    if (!http) closeWithSocket(handle, context);
    // One that a resolver runs on its own context must not wait for the operation around it, which waits for it.
    const holdMs = http?.isBatch && !operationOf(context) ? LONGEST_HOLD : 0;
    const operation = new Operation(handle, { exchange: http && handle, holdMs });
    extendContext({ sessions: handle, [OPERATION]: operation });
    return operation;
  }

  /** Also where the context was built without the plugin's hooks, or by other plugins alone. */
  async function ready(payload: ContextPayload): Promise<Operation> {
    const operation = operationOf(payload.context) ?? open(payload);
    if (await operation.begin()) payload.extendContext({ session: operation.session });
    return operation;
  }

  return {
    onPluginInit: ({ registerContextErrorHandler }) => registerContextErrorHandler(restateContextError),
    onEnveloped(payload) {
      // Where the request is only given to the context factory, it is there when the context is built.
      if (hasRequest(payload.context)) open(payload);
    },
    onParse: ({ context }) => {
      return ({ result }) => {
        if (result instanceof Error) operationOf(context)?.abandon();
      };
    },
    onValidate: ({ context }) => {
      return ({ valid }) => {
        if (!valid) operationOf(context)?.abandon();
      };
    },
    async onContextBuilding(payload) {
      const operation = await ready(payload);
      // Before other plugins take the request for an anonymous one. Elsewhere the operation is refused later: thrown here, the error would
      // close a WebSocket.
      if (operation.exchange) operation.assertLoaded();
    },
    async onExecute(payload) {
      const operation = await ready(payload);
      if (refuse(operation, payload)) return undefined;
      return {
        onExecuteDone: async ({ result, setResult }) =>
          setResult(isStream(result) ? savedStream(result, operation, 'parts') : await operation.finish(result)),
      };
    },
    async onSubscribe(payload) {
      const operation = await ready(payload);
      if (refuse(operation, payload)) return undefined;
      return {
        onSubscribeResult({ result, setResult }) {
          // What is no stream is the error for which there is none.
          if (!isStream(result)) operation.end();
          setResult(isStream(result) ? savedStream(result, operation, 'events') : inResult(result, operation.exchange));
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
    // Those that were never executed, because something refused them or had their answer, are not to be waited for by their batch.
    onExecutionResult: ({ context }) => operationOf(context)?.abandon(),
    onResponse({ request, response, serverContext }) {
      const handle = handles.get(request);
      if (handle) sendHeaders(handle, response.headers, serverContext);
    },
  };
}

/** What the application's own `context()` let through, as an error that clients may see. */
function restateContextError({ context, error, setError }: ContextErrorPayload): void {
  const operation = operationOf(context);
  operation?.abandon();
  if (isOurs(error)) setError(toGraphQLError(error, operation?.exchange));
}

function refuse(operation: Operation, { setResultAndStopExecution }: StartPayload): boolean {
  const { refusal } = operation;
  if (!refusal) return false;
  operation.end();
  setResultAndStopExecution(refusal);
  return true;
}
