import type { GraphQLRequestContext, GraphQLResponse, HTTPGraphQLHead } from '@apollo/server';
import type { Operation } from '../../graphql/call.js';
import { savedIncremental } from '../../graphql/stream.js';
import type { OperationResult } from '../../graphql/types.js';
import type { Host } from '../../http/host.js';
import { combined } from '../../http/put-headers.js';
import { applyStatus, formatted } from './errors.js';

type Incremental = Extract<GraphQLResponse['body'], { kind: 'incremental' }>;

/** The part of Apollo Server's request context that {@link finishResponse} needs. */
type Finishing = Pick<GraphQLRequestContext<object>, 'response' | 'errors'>;

/** Saves the changes of the parts that succeeded, and completes the response. */
export async function finishResponse(
  operation: Operation,
  { response, errors }: Finishing,
  host: Host,
): Promise<void> {
  const { body, http } = response;
  if (!body || !operation.isExecuting) await operation.abandon();
  else if (body.kind === 'incremental') await saveParts(operation, body);
  else {
    const { data = null } = body.singleResult;
    const result = await operation.finish({ data, ...(errors && { errors }) });
    applyStatus(http, result.errors);
    // The changes could not be saved.
    if (result.data !== data) body.singleResult = { data: null, errors: (result.errors ?? []).map(formatted) };
  }
  sendHeaders(operation, http, host);
  // The head leaves with the first part.
  if (body?.kind === 'incremental') operation.call.seal();
}

/**
 * Replaces the parts of a result with `@defer` or `@stream` by a stream that saves the changes.
 */
async function saveParts(operation: Operation, body: Incremental): Promise<void> {
  const initialResult = body.initialResult as OperationResult;
  const subsequentResults = body.subsequentResults as AsyncIterable<OperationResult>;
  Object.assign(body, await savedIncremental({ initialResult, subsequentResults }, operation));
}

/** Sends the headers if only Apollo Server can. Its header map holds one cookie. */
function sendHeaders({ call }: Operation, { headers }: HTTPGraphQLHead, host: Host): void {
  const { head } = call.request;
  // A Node response has its own way. If another handler runs this one, that handler sends them.
  if (head.sendsItself || call.parent) return;
  head.settle();
  for (const [name, value] of head.headers)
    if (name !== 'set-cookie') headers.set(name, combined(name, value, headers.get(name)));
  const [cookie, ...others] = head.headers.getSetCookie();
  if (cookie === undefined) return;
  if (others.length > 0 || headers.has('set-cookie')) host.warnOnce(ONE_COOKIE);
  headers.set('set-cookie', cookie);
}

const ONE_COOKIE =
  'Apollo Server can set only one cookie, and this answer has more. On Node, pass { req, res } to context()';
