import { type Operation, operationOf } from '../../graphql/call.js';
import { isOurs, toGraphQLError } from '../../graphql/errors.js';
import { observeFields } from '../../graphql/fields.js';
import { inResult, isIncremental, isStream } from '../../graphql/results.js';
import { NO_SHAPE } from '../../graphql/shape.js';
import { savedIncremental, savedParts, savedStream } from '../../graphql/stream.js';
import { hasRequest } from '../../http/foreign-request.js';
import { hostOf } from '../../http/host.js';
import { changeable, keepFromCaches } from '../../http/put-headers.js';
import type { Sessions } from '../../http/sessions.js';
import { finishingStart, restatingEarly } from './early.js';
import type { Answer, ContextErrorPayload, ExecutionResults, SessionPlugin } from './hooks.js';
import { Operations } from './operations.js';
import { noteNodeRequest } from './request.js';
import { sendHeaders } from './response.js';

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
  const operations = new Operations(hostOf(sessions));
  return { ...contextHooks(operations), ...executionHooks(operations), ...httpHooks(operations) };
}

type ContextHook = 'onPluginInit' | 'onEnveloped' | 'onParse' | 'onValidate' | 'onContextBuilding';
type ExecutionHook = 'onSchemaChange' | 'onExecute' | 'onSubscribe';

/** The hooks that put the sessions on the context, before anything runs. */
function contextHooks(operations: Operations): Pick<SessionPlugin, ContextHook> {
  return {
    onPluginInit({ registerContextErrorHandler, plugins }) {
      registerContextErrorHandler(restateContextError);
      // The last plugin, as others may set the header too.
      plugins.push({
        onResponse(answer: Answer) {
          if (operations.isSecret(answer.request)) keepFromCaches(changed(answer));
        },
      });
    },
    onEnveloped(payload) {
      // If only the context factory gets the request, the operation opens when the context is
      // built.
      if (!hasRequest(payload.context)) return;
      if (!operations.isTaken(payload.context)) operations.open(payload);
    },
    onParse: ({ context }) => {
      return ({ result }) => {
        if (result instanceof Error) void operations.own(context)?.abandon();
      };
    },
    onValidate: ({ context }) => {
      return ({ valid }) => {
        if (!valid) void operations.own(context)?.abandon();
      };
    },
    async onContextBuilding(payload) {
      const operation = await operations.ready(payload);
      // Now, before other plugins treat the request as anonymous. Elsewhere the operation is
      // refused later, because an error here would close a WebSocket.
      if (operation?.exchange) operation.assertLoaded();
    },
  };
}

/** The hooks that save or drop the changes of an operation. */
function executionHooks(operations: Operations): Pick<SessionPlugin, ExecutionHook> {
  return {
    onSchemaChange: ({ schema }) => observeFields(schema),
    async onExecute(payload) {
      const operation = await operations.start(payload);
      if (!operation) return undefined;
      if (payload.executeFn && restatesEarly(operation)) payload.setExecuteFn?.(restatingEarly(payload.executeFn));
      return {
        onExecuteDone: async ({ result, setResult }) => setResult(await saved(result, operation)),
      };
    },
    async onSubscribe(payload) {
      const operation = await operations.start(payload);
      if (!operation) return undefined;
      const { subscribeFn } = payload;
      if (subscribeFn) {
        const run = restatesEarly(operation) ? restatingEarly(subscribeFn) : subscribeFn;
        payload.setSubscribeFn?.(finishingStart(run, operation));
      }
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
  };
}

/** Saves what succeeded. Later parts are saved while they pass. */
async function saved(results: ExecutionResults, operation: Operation): Promise<ExecutionResults> {
  if (isStream(results)) return savedParts(results, operation);
  return isIncremental(results) ? savedIncremental(results, operation) : operation.finish(results);
}

/** The hooks that only Yoga calls, because it parses the request and sends the response. */
function httpHooks(operations: Operations): Omit<SessionPlugin, ContextHook | ExecutionHook> {
  return {
    onRequestParse({ request, serverContext }) {
      noteNodeRequest(request, serverContext);
      const parsed = operations.parse(request);
      return {
        onRequestParseDone({ requestParserResult }) {
          parsed.isBatch = Array.isArray(requestParserResult);
        },
      };
    },
    // A batch must not wait for operations that were refused, or answered without running.
    onExecutionResult: ({ context }) => operations.own(context)?.abandon(),
    onResponse(answer) {
      const { request } = answer;
      const opened = operations.take(request);
      if (!opened) return;
      sendHeaders(opened, changed(answer));
      if (opened.head.isSecret) operations.noteSecret(request);
    },
  };
}

/**
 * Yoga masks errors after its plugins. Elsewhere, a plugin that masks may come before this one.
 */
function restatesEarly({ exchange }: Operation): boolean {
  return exchange === undefined;
}

/** Puts an error of ours that the application's `context()` let through into its public form. */
function restateContextError({ context, error, setError }: ContextErrorPayload): void {
  const operation = operationOf(context);
  void operation?.abandon();
  if (isOurs(error)) setError(toGraphQLError(error, operation?.exchange));
}

/** Headers of the answer that can change. Another plugin may have replaced its response. */
function changed({ response, setResponse }: Answer): Headers {
  const own = changeable(response);
  if (own !== response) setResponse?.(own);
  return own.headers;
}
