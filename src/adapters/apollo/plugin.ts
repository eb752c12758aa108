import type { ApolloServerPlugin, GraphQLRequestContext, GraphQLRequestListener } from '@apollo/server';
import { LONGEST_HOLD } from '../../core/session/write-gate.js';
import type { SessionContext } from '../../core/types.js';
import { OPERATION, Operation, operationOf } from '../../graphql/call.js';
import { canDefer, observeResolvers } from '../../graphql/fields.js';
import { shapeOf } from '../../graphql/shape.js';
import { callOf, type Host } from '../../http/host.js';
import { assertLoaded, contextOf, installed } from './context.js';
import { restateErrors } from './errors.js';
import { finishResponse } from './response.js';

export function sessionPlugin<Data, Input>(host: Host): ApolloServerPlugin<SessionContext<Data, Input>> {
  /** Operations that Apollo Server has begun to run. */
  const running = new WeakSet<Operation>();
  const plugin: ApolloServerPlugin<SessionContext<Data, Input>> = {
    async serverWillStart({ schema }) {
      installed.add(plugin);
      observeResolvers(schema);
      return { schemaDidLoadOrUpdate: ({ apiSchema }) => observeResolvers(apiSchema) };
    },
    async requestDidStart({ contextValue, requestIsBatched }) {
      const operation = operationFor(contextValue, requestIsBatched);
      if (!operation) return undefined;
      if (!operation.hasBegun) Object.assign(contextValue, contextOf(operation, await operation.begin()));
      return listenerOf<Data, Input>(operation, host);
    },
    unexpectedErrorProcessingRequest: async ({ requestContext }) =>
      operationOf(requestContext.contextValue)?.abandon(),
  };

  /**
   * The operation of the context. If the context is used again, or by a batch, several operations
   * share it, and each gets a call of its own. An operation that a resolver runs on its context
   * belongs to the operation of that resolver.
   */
  function operationFor(context: SessionContext<Data, Input>, isBatched: boolean): Operation | undefined {
    const known = operationOf(context);
    if (known && !isBatched && !running.has(known)) {
      running.add(known);
      return known;
    }
    const call = callOf(context.sessions);
    if (!call || !host.owns(call)) return undefined;
    const opened = known?.opened ?? { open: call.open.bind(call), head: call.request.head };
    const exchange = isBatched ? undefined : call.request;
    const operation = new Operation({
      opened,
      plugin,
      outer: isBatched || known?.isOver ? undefined : known,
      exchange,
      holdMs: isBatched ? LONGEST_HOLD : 0,
    });
    Object.assign(context, contextOf(operation, null), { [OPERATION]: operation });
    return operation;
  }

  return plugin;
}

type Listener<Data, Input> = GraphQLRequestListener<SessionContext<Data, Input>>;

function listenerOf<Data, Input>(operation: Operation, host: Host): Listener<Data, Input> {
  return {
    async didResolveOperation({ document, operationName, schema }) {
      assertLoaded(operation);
      operation.execute(shapeOf(document, operationName, canDefer(schema)), undefined);
    },
    didEncounterErrors: async ({ errors }) => restateErrors(errors, operation.call),
    didEncounterSubsequentErrors: async (_, errors) => restateErrors(errors, operation.call),
    willSendResponse: (context) => finishResponse(operation, context as Finishing, host),
  };
}

type Finishing = Pick<GraphQLRequestContext<object>, 'response' | 'errors'>;
